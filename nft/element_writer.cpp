#include "nft/element_writer.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>

namespace sipalg::nft {

namespace {

// NFT_MSG_DESTROYSETELEM, which the headers of older kernels do not have.
constexpr std::uint16_t destroy_element = 30;

// One message stays well below the limit of 64 kB of the length field of its list.
constexpr std::size_t message_room = 4096;
constexpr std::size_t element_room = 512;

void put_value(nlmsghdr* message, std::uint16_t type, const Value& value) {
    nlattr* nest = mnl_attr_nest_start(message, type);
    mnl_attr_put(message, NFTA_DATA_VALUE, value.size, value.bytes.data());
    mnl_attr_nest_end(message, nest);
}

}  // namespace

nlmsghdr* ElementWriter::start(std::uint16_t type, std::uint16_t flags, std::string_view set) {
    return batch_.open(type, flags, NFPROTO_INET, set, message_room);
}

void ElementWriter::open(Kind kind, std::string_view set) {
    switch (kind) {
        case Kind::ensure: message_ = start(NFT_MSG_NEWSETELEM, NLM_F_CREATE, set); break;
        case Kind::create: message_ = start(NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, set); break;
        case Kind::remove: message_ = start(NFT_MSG_DELSETELEM, 0, set); break;
        case Kind::destroy: message_ = start(destroy_element, 0, set); break;
    }
    mnl_attr_put_strz(message_, NFTA_SET_ELEM_LIST_TABLE, table_.c_str());
    mnl_attr_put_strz(message_, NFTA_SET_ELEM_LIST_SET, set.data());
    kind_ = kind;
    set_ = set;
}

void ElementWriter::put(Kind kind, const Entry& entry, std::chrono::seconds timeout) {
    if (message_ == nullptr || kind != kind_ || entry.set.data() != set_.data() ||
        message_->nlmsg_len + element_room > message_room) {
        open(kind, entry.set);
        list_ = mnl_attr_nest_start(message_, NFTA_SET_ELEM_LIST_ELEMENTS);
    }
    nlattr* element = mnl_attr_nest_start(message_, NFTA_LIST_ELEM);
    put_value(message_, NFTA_SET_ELEM_KEY, entry.key);
    if (entry.ends_interval)
        mnl_attr_put_u32(message_, NFTA_SET_ELEM_FLAGS,
                         htonl(static_cast<std::uint32_t>(NFT_SET_ELEM_INTERVAL_END)));
    if (kind == Kind::ensure || kind == Kind::create) {
        if (entry.data.size > 0) put_value(message_, NFTA_SET_ELEM_DATA, entry.data);
        if (timeout.count() > 0)
            mnl_attr_put_u64(message_, NFTA_SET_ELEM_TIMEOUT,
                             htobe64(static_cast<std::uint64_t>(std::chrono::milliseconds(timeout).count())));
        // An element that is only ensured is removed in the same batch.
        if (kind == Kind::create && (entry.set == set_name::records || !entry.note.empty())) {
            std::array<char, 2 + Record::max_bytes> note;
            note[0] = static_cast<char>(note_type);
            note[1] = static_cast<char>(entry.note.size());
            std::copy(entry.note.begin(), entry.note.end(), note.begin() + 2);
            mnl_attr_put(message_, NFTA_SET_ELEM_USERDATA, 2 + entry.note.size(), note.data());
        }
    }
    mnl_attr_nest_end(message_, element);
    mnl_attr_nest_end(message_, list_);
}

void ElementWriter::flush(std::string_view set) {
    open(Kind::remove, set);
    message_ = nullptr;
}

}  // namespace sipalg::nft
