#include "nft/batch.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

namespace sipalg::nft {

namespace {

nlmsghdr* put_header(char* at, std::uint16_t type, std::uint16_t flags, std::uint8_t family,
                     std::uint16_t resource) {
    nlmsghdr* header = mnl_nlmsg_put_header(at);
    header->nlmsg_type = type;
    header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
    generic->nfgen_family = family;
    generic->version = NFNETLINK_V0;
    generic->res_id = htons(resource);
    return header;
}

constexpr std::size_t marker_size = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(nfgenmsg));

}  // namespace

void Batch::clear() {
    labels_.clear();
    current_ = 0;
    if (bytes_.size() < 4096) bytes_.resize(4096);
    put_header(bytes_.data(), NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    used_ = marker_size;
}

void Batch::close() {
    if (current_ == 0) return;
    used_ += MNL_ALIGN(reinterpret_cast<nlmsghdr*>(bytes_.data() + current_)->nlmsg_len);
    current_ = 0;
}

nlmsghdr* Batch::open(std::uint16_t type, std::uint16_t flags, std::uint8_t family, std::string_view label,
                      std::size_t room) {
    close();
    if (bytes_.size() < used_ + marker_size + room) bytes_.resize(2 * bytes_.size() + marker_size + room);
    current_ = used_;
    labels_.push_back(label);
    return put_header(bytes_.data() + current_, static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type),
                      flags, family, 0);
}

std::string_view Batch::label(std::size_t number) const {
    return number > 0 && number <= labels_.size() ? labels_[number - 1] : "transaction";
}

std::size_t Batch::count(std::uint16_t type) const {
    std::size_t found = 0;
    const nlmsghdr* header = nullptr;
    for (std::size_t at = 0; at < used_; at += MNL_ALIGN(header->nlmsg_len)) {
        header = reinterpret_cast<const nlmsghdr*>(bytes_.data() + at);
        if (header->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type)) ++found;
    }
    return found;
}

std::span<const char> Batch::seal(std::uint32_t sequence, bool commit) {
    close();
    auto* last = reinterpret_cast<nlmsghdr*>(bytes_.data());
    for (std::size_t at = 0; at < used_; at += MNL_ALIGN(last->nlmsg_len)) {
        last = reinterpret_cast<nlmsghdr*>(bytes_.data() + at);
        last->nlmsg_seq = sequence++;
    }
    last->nlmsg_flags |= NLM_F_ACK;
    if (commit) {
        if (bytes_.size() < used_ + marker_size) bytes_.resize(used_ + marker_size);
        put_header(bytes_.data() + used_, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_seq =
            sequence;
        used_ += marker_size;
    }
    return {bytes_.data(), used_};
}

}  // namespace sipalg::nft
