#include "nft/elements.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstring>

namespace sipalg::nft {

namespace {

// nft numbers its own kinds of user data from 0 and passes over those it does not know.
constexpr std::uint8_t note_type = 0xa5;

// NFT_MSG_DESTROYSETELEM, which the headers of older kernels do not have.
constexpr std::uint16_t destroy_element = 30;

// One message stays well below the 64 kB that the length field of its list can say.
constexpr std::size_t message_room = 4096;
constexpr std::size_t element_room = 512;

std::uint16_t get16(const Value& value, std::size_t at) {
    return static_cast<std::uint16_t>(value.bytes[at] << 8 | value.bytes[at + 1]);
}

std::uint32_t get32_host(const Value& value, std::size_t at) {
    std::uint32_t number = 0;
    std::memcpy(&number, value.bytes.data() + at, sizeof number);
    return number;
}

template <std::size_t size>
std::array<std::uint8_t, size> get_bytes(const Value& value, std::size_t at) {
    std::array<std::uint8_t, size> bytes{};
    std::copy_n(value.bytes.begin() + static_cast<std::ptrdiff_t>(at), size, bytes.begin());
    return bytes;
}

Address get_address(const Value& value, std::size_t at, std::size_t size) {
    return size == 4 ? Address::v4(get_bytes<4>(value, at)) : Address::v6(get_bytes<16>(value, at));
}

// How long addresses are in a key of protocol, `count` addresses and port; 0: it is none.
std::size_t address_size(const Value& key, std::size_t count) {
    for (const std::size_t size : {std::size_t{4}, std::size_t{16}})
        if (key.size == 8 + count * size) return size;
    return 0;
}

std::optional<Transport> get_transport(const Value& value) {
    if (value.bytes[0] == static_cast<std::uint8_t>(Transport::udp)) return Transport::udp;
    if (value.bytes[0] == static_cast<std::uint8_t>(Transport::tcp)) return Transport::tcp;
    return std::nullopt;
}

Value endpoint_key(Transport transport, const Endpoint& endpoint) {
    Value key;
    key.put8(static_cast<std::uint8_t>(transport));
    key.put(endpoint.address);
    key.put16(endpoint.port);
    return key;
}

Value way_key(Transport transport, const Address& remote, const Endpoint& outside) {
    Value key;
    key.put8(static_cast<std::uint8_t>(transport));
    key.put(remote);
    key.put(outside.address);
    key.put16(outside.port);
    return key;
}

Value endpoint_data(const Endpoint& endpoint) {
    Value data;
    data.put(endpoint.address);
    data.put16(endpoint.port);
    return data;
}

std::optional<std::string> endpoint_objection(const Endpoint& endpoint) {
    if (endpoint.port == 0) return "an element needs a port, " + endpoint.text() + " has none";
    if (!endpoint.address) return "an element needs an address";
    return std::nullopt;
}

std::optional<std::string> mapped_objection(const Endpoint& endpoint) {
    if (endpoint.address.is_v4()) return endpoint_objection(endpoint);
    return "only IPv4 is translated, not " + endpoint.text();
}

std::optional<std::string> way_objection(const Address& remote, const Endpoint& outside) {
    if (remote.family() == outside.address.family()) return endpoint_objection(outside);
    return "an element of one family only: from " + remote.text() + " to " + outside.text();
}

struct Objection {
    using Answer = std::optional<std::string>;
    Answer operator()(const Mapping& m) const {
        Answer answer = mapped_objection(m.inside);
        return answer ? answer : mapped_objection(m.outside);
    }
    Answer operator()(const Pinhole& p) const {
        return p.remote ? way_objection(p.remote, p.outside) : endpoint_objection(p.outside);
    }
    Answer operator()(const Latch& l) const { return endpoint_objection(l.outside); }
    Answer operator()(const LatchedSource& l) const { return way_objection(l.remote, l.outside); }
    Answer operator()(const Diversion& l) const { return endpoint_objection(l.inside); }
    Answer operator()(const SequenceMapped& s) const {
        Answer answer = mapped_objection(s.phone);
        return answer ? answer : mapped_objection(s.peer);
    }
    Answer operator()(const Reachable& r) const { return endpoint_objection(r.outside); }
    Answer operator()(const Record& r) const {
        if (r.bytes.size() <= Record::max_bytes) return std::nullopt;
        return "a record of " + std::to_string(r.bytes.size()) + " bytes is too long";
    }
};

Entries one(std::string_view set, const Value& key) {
    return {{Entry{set, key, {}, {}}}, 1};
}

struct ToEntries {
    Entries operator()(const Mapping& m) const {
        return {
            {Entry{set_name::mappings_out, endpoint_key(m.transport, m.inside), endpoint_data(m.outside), {}},
             Entry{set_name::mappings_in, endpoint_key(m.transport, m.outside), endpoint_data(m.inside), {}}},
            2};
    }
    Entries operator()(const Pinhole& p) const {
        const bool v4 = p.outside.address.is_v4();
        if (!p.remote)
            return one(v4 ? set_name::pinholes_any : set_name::pinholes6_any,
                       endpoint_key(p.transport, p.outside));
        return one(v4 ? set_name::pinholes : set_name::pinholes6, way_key(p.transport, p.remote, p.outside));
    }
    Entries operator()(const Latch& l) const {
        return one(l.outside.address.is_v4() ? set_name::latches : set_name::latches6,
                   endpoint_key(l.transport, l.outside));
    }
    Entries operator()(const LatchedSource& l) const {
        return one(l.outside.address.is_v4() ? set_name::learned : set_name::learned6,
                   way_key(l.transport, l.remote, l.outside));
    }
    Entries operator()(const Diversion& l) const {
        return one(l.inside.address.is_v4() ? set_name::listeners : set_name::listeners6,
                   endpoint_key(l.transport, l.inside));
    }
    Entries operator()(const SequenceMapped& s) const {
        Value key = endpoint_key(Transport::tcp, s.phone);
        key.put(s.peer.address);
        key.put16(s.peer.port);
        return one(set_name::shifted, key);
    }
    Entries operator()(const Reachable& r) const {
        return one(r.outside.address.is_v4() ? set_name::reachable : set_name::reachable6,
                   endpoint_key(r.transport, r.outside));
    }
    Entries operator()(const Record& r) const {
        Value key;
        key.put32_host(r.id);
        key.put32_host(r.part);
        return {{Entry{set_name::records, key, {}, r.bytes}}, 1};
    }
};

void put_value(nlmsghdr* message, std::uint16_t type, const Value& value) {
    nlattr* nest = mnl_attr_nest_start(message, type);
    mnl_attr_put(message, NFTA_DATA_VALUE, value.size, value.bytes.data());
    mnl_attr_nest_end(message, nest);
}

}  // namespace

void Value::put8(std::uint8_t number) {
    bytes[size] = number;
    size = static_cast<std::uint8_t>(size + 4);
}

void Value::put16(std::uint16_t number) {
    bytes[size] = static_cast<std::uint8_t>(number >> 8);
    bytes[size + 1U] = static_cast<std::uint8_t>(number);
    size = static_cast<std::uint8_t>(size + 4);
}

void Value::put32_host(std::uint32_t number) {
    std::memcpy(bytes.data() + size, &number, sizeof number);
    size = static_cast<std::uint8_t>(size + 4);
}

void Value::put(const Address& address) {
    std::copy_n(address.bytes().begin(), address.size(), bytes.begin() + size);
    size = static_cast<std::uint8_t>(size + address.size());
}

std::optional<std::string> objection(const Element& element) {
    return std::visit(Objection{}, element);
}

Entries entries_of(const Element& element) {
    return std::visit(ToEntries{}, element);
}

std::optional<Diversion> listener_of(const Value& key) {
    const auto transport = get_transport(key);
    const std::size_t size = address_size(key, 1);
    if (!transport || size == 0) return std::nullopt;
    return Diversion{*transport, {get_address(key, 4, size), get16(key, 4 + size)}};
}

std::optional<Pinhole> pinhole_of(const Value& key) {
    const auto transport = get_transport(key);
    const std::size_t size = address_size(key, 2);
    if (!transport || size == 0) return std::nullopt;
    return Pinhole{
        *transport, get_address(key, 4, size), {get_address(key, 4 + size, size), get16(key, 4 + 2 * size)}};
}

std::optional<Pinhole> pinhole_any_of(const Value& key) {
    const auto endpoint = listener_of(key);
    return endpoint ? std::optional(Pinhole{endpoint->transport, {}, endpoint->inside}) : std::nullopt;
}

std::optional<Latch> latch_of(const Value& key) {
    const auto endpoint = listener_of(key);
    return endpoint ? std::optional(Latch{endpoint->transport, endpoint->inside}) : std::nullopt;
}

std::optional<LatchedSource> learned_of(const Value& key) {
    const auto way = pinhole_of(key);
    return way ? std::optional(LatchedSource{way->transport, way->remote, way->outside}) : std::nullopt;
}

std::optional<SequenceMapped> shifted_of(const Value& key) {
    if (key.size != 20 || get_transport(key) != Transport::tcp) return std::nullopt;
    return SequenceMapped{{get_address(key, 4, 4), get16(key, 8)}, {get_address(key, 12, 4), get16(key, 16)}};
}

std::optional<Reachable> reachable_of(const Value& key) {
    const auto endpoint = listener_of(key);
    return endpoint ? std::optional(Reachable{endpoint->transport, endpoint->inside}) : std::nullopt;
}

std::optional<Record> record_of(const Value& key, std::string_view user_data) {
    if (key.size != 8) return std::nullopt;
    while (user_data.size() >= 2) {
        const auto type = static_cast<std::uint8_t>(user_data[0]);
        const auto length = static_cast<std::uint8_t>(user_data[1]);
        user_data.remove_prefix(2);
        if (length > user_data.size()) return std::nullopt;
        if (type == note_type)
            return Record{get32_host(key, 0), get32_host(key, 4), std::string(user_data.substr(0, length))};
        user_data.remove_prefix(length);
    }
    return std::nullopt;
}

std::optional<Mapping> mapping_of(const Value& key, const Value& data) {
    const auto transport = get_transport(key);
    if (!transport || key.size != 12 || data.size != 8) return std::nullopt;
    return Mapping{
        *transport, {get_address(key, 4, 4), get16(key, 8)}, {get_address(data, 0, 4), get16(data, 4)}};
}

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
        if (entry.set == set_name::records) {
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
