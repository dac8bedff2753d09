#include "nft/elements.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace sipalg::nft {

namespace {

// The index of an alternative of Element.
template <class Alternative, std::size_t index = 0>
constexpr std::size_t index_of() {
    if constexpr (std::is_same_v<std::variant_alternative_t<index, Element>, Alternative>)
        return index;
    else
        return index_of<Alternative, index + 1>();
}

// The fields of each alternative, and the alternative of its fields.
Fields fields_of(const Diversion& d) {
    return {.transport = d.transport, .endpoint = d.inside};
}
Fields fields_of(const Mapping& m) {
    return {.transport = m.transport, .endpoint = m.inside, .other = m.outside, .interface = m.interface};
}
Fields fields_of(const Pinhole& p) {
    return {.transport = p.transport, .remote = p.remote, .endpoint = p.outside};
}
Fields fields_of(const Latch& l) {
    return {.transport = l.transport, .endpoint = l.outside};
}
Fields fields_of(const LatchedSource& l) {
    return {.transport = l.transport, .remote = l.remote, .endpoint = l.outside};
}
Fields fields_of(const SequenceMapped& s) {
    return {.transport = Transport::tcp, .endpoint = s.phone, .other = s.peer};
}
Fields fields_of(const Reachable& r) {
    return {.transport = r.transport, .endpoint = r.outside};
}
Fields fields_of(const Record& r) {
    return {.id = r.id, .part = r.part, .note = r.bytes};
}

template <class Alternative>
Alternative make(const Fields& f) {
    return {f.transport, f.endpoint};
}
template <>
Mapping make(const Fields& f) {
    return {f.transport, f.endpoint, f.other, f.interface};
}
template <>
Pinhole make(const Fields& f) {
    return {f.transport, f.remote, f.endpoint};
}
template <>
LatchedSource make(const Fields& f) {
    return {f.transport, f.remote, f.endpoint};
}
template <>
SequenceMapped make(const Fields& f) {
    return {f.endpoint, f.other};
}
template <>
Record make(const Fields& f) {
    return {f.id, f.part, std::string(f.note)};
}

template <class Alternative>
constexpr ElementRow row(std::string_view set, std::string_view set6, KeyShape shape,
                         bool filled_by_rules = false) {
    return {index_of<Alternative>(),
            set,
            set6,
            shape,
            filled_by_rules,
            [](const Element& element) { return fields_of(std::get<Alternative>(element)); },
            [](const Fields& fields) { return Element(make<Alternative>(fields)); }};
}

// The map back from public to inside endpoints. mappings_out and mappings_via restore the mapping.
constexpr ElementRow row_inward() {
    ElementRow inward = row<Mapping>(set_name::mappings_in, {}, KeyShape::translation);
    inward.fields = [](const Element& element) {
        Fields fields = fields_of(std::get<Mapping>(element));
        std::swap(fields.endpoint, fields.other);
        return fields;
    };
    inward.element = nullptr;
    return inward;
}

constexpr std::array<ElementRow, 11> rows{
    row<Diversion>(set_name::listeners, set_name::listeners6, KeyShape::endpoint),
    row<Mapping>(set_name::mappings_out, {}, KeyShape::translation),
    row<Mapping>(set_name::mappings_via, {}, KeyShape::via),
    row_inward(),
    row<Pinhole>(set_name::pinholes, set_name::pinholes6, KeyShape::from),
    row<Pinhole>(set_name::pinholes_any, set_name::pinholes6_any, KeyShape::endpoint),
    row<Latch>(set_name::latches, set_name::latches6, KeyShape::endpoint, true),
    row<LatchedSource>(set_name::learned, set_name::learned6, KeyShape::from, true),
    row<SequenceMapped>(set_name::shifted, {}, KeyShape::connection),
    row<Reachable>(set_name::reachable, set_name::reachable6, KeyShape::endpoint),
    row<Record>(set_name::records, {}, KeyShape::numbers),
};

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

// Reads the parts of a value in order.
class Reader {
  public:
    Reader(const Value& value, std::size_t address_size) : value_(value), address_size_(address_size) {}
    std::uint8_t get8() { return value_.bytes[advance(4)]; }
    std::uint32_t get32() { return get32_host(value_, advance(4)); }
    Address address() {
        const std::size_t at = advance(address_size_);
        return address_size_ == 4 ? Address::v4(get_bytes<4>(value_, at))
                                  : Address::v6(get_bytes<16>(value_, at));
    }
    Endpoint endpoint() {
        const Address first = address();
        return {first, get16(value_, advance(4))};
    }
    InterfaceName interface() {
        const auto name = get_bytes<InterfaceName::size>(value_, advance(InterfaceName::size));
        return InterfaceName(std::string(name.begin(), std::find(name.begin(), name.end(), 0)));
    }

  private:
    std::size_t advance(std::size_t size) { return std::exchange(at_, at_ + size); }

    const Value& value_;
    std::size_t address_size_;
    std::size_t at_ = 0;
};

bool is_map(KeyShape shape) {
    return shape == KeyShape::translation || shape == KeyShape::via;
}

std::size_t key_size(KeyShape shape, std::size_t address_size) {
    switch (shape) {
        case KeyShape::endpoint:
        case KeyShape::translation: return 8 + address_size;
        case KeyShape::via: return 8 + address_size + InterfaceName::size;
        case KeyShape::from: return 8 + 2 * address_size;
        case KeyShape::connection: return 12 + 2 * address_size;
        case KeyShape::numbers: return 8;
    }
    return 0;
}

Value key_of(KeyShape shape, const Fields& fields) {
    Value key;
    if (shape == KeyShape::numbers) {
        key.put32_host(fields.id);
        key.put32_host(fields.part);
        return key;
    }
    key.put8(static_cast<std::uint8_t>(fields.transport));
    if (shape == KeyShape::from) key.put(fields.remote);
    key.put(fields.endpoint);
    if (shape == KeyShape::connection) key.put(fields.other);
    if (shape == KeyShape::via) key.put(fields.interface);
    return key;
}

Result<> validate_endpoint(const Endpoint& endpoint) {
    if (endpoint.port == 0) return Failure{"an element needs a port, " + endpoint.text() + " has none"};
    if (!endpoint.address) return Failure{"an element needs an address"};
    return {};
}

Result<> validate_fields(const ElementRow& row, const Fields& fields) {
    if (row.shape == KeyShape::numbers) {
        if (fields.note.size() <= Record::max_bytes) return {};
        return Failure{"a record of " + std::to_string(fields.note.size()) + " bytes is too long"};
    }
    const bool two = row.shape == KeyShape::connection || is_map(row.shape);
    for (const Endpoint* endpoint : {&fields.endpoint, two ? &fields.other : &fields.endpoint}) {
        if (row.set6.empty() && endpoint->address.is_v6())
            return Failure{"only IPv4 is translated, not " + endpoint->text()};
        if (auto valid = validate_endpoint(*endpoint); !valid) return valid;
    }
    if (row.shape == KeyShape::from && fields.remote.family() != fields.endpoint.address.family())
        return Failure{"both addresses of an element must be of one family, not " + fields.remote.text() +
                       " and " + fields.endpoint.text()};
    return {};
}

// If one alternative has two rows of different shapes, a pinhole with a remote belongs to the row `from`, and
// the outward half of a mapping with an interface to the row `via`.
bool belongs(const ElementRow& row, const Element& element, const Fields& fields) {
    if (std::holds_alternative<Pinhole>(element)) return (row.shape == KeyShape::from) == bool(fields.remote);
    const bool is_outward = std::holds_alternative<Mapping>(element) && row.element != nullptr;
    return !is_outward || (row.shape == KeyShape::via) != fields.interface.empty();
}

}  // namespace

std::span<const ElementRow> element_rows() {
    return rows;
}

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

void Value::put(const Endpoint& endpoint) {
    put(endpoint.address);
    put16(endpoint.port);
}

void Value::put(const InterfaceName& interface) {
    std::copy(interface.bytes().begin(), interface.bytes().end(), bytes.begin() + size);
    size = static_cast<std::uint8_t>(size + InterfaceName::size);
}

Result<> validate(const Element& element) {
    for (const ElementRow& row : rows) {
        if (row.alternative != element.index()) continue;
        const Fields fields = row.fields(element);
        if (!belongs(row, element, fields)) continue;
        if (auto valid = validate_fields(row, fields); !valid) return valid;
    }
    return {};
}

Entries entries_of(const Element& element) {
    Entries entries;
    for (const ElementRow& row : rows) {
        if (row.alternative != element.index()) continue;
        const Fields fields = row.fields(element);
        if (!belongs(row, element, fields)) continue;
        Entry& entry = entries.entry[entries.count++];
        entry.set = fields.endpoint.address.is_v6() ? row.set6 : row.set;
        entry.key = key_of(row.shape, fields);
        if (is_map(row.shape)) entry.data.put(fields.other);
        entry.note = fields.note;
    }
    return entries;
}

std::optional<std::string_view> note_in(std::string_view user_data) {
    while (user_data.size() >= 2) {
        const auto type = static_cast<std::uint8_t>(user_data[0]);
        const auto length = static_cast<std::uint8_t>(user_data[1]);
        user_data.remove_prefix(2);
        if (length > user_data.size()) return std::nullopt;
        if (type == note_type) return user_data.substr(0, length);
        user_data.remove_prefix(length);
    }
    return std::nullopt;
}

Entries entries_of(const Change& change) {
    Entries entries = entries_of(change.element);
    if (!change.note.empty() && entries.count > 0) entries.entry[0].note = change.note;
    return entries;
}

std::optional<Element> element_of(const ElementRow& row, const Value& key, const Value& data,
                                  std::string_view user_data) {
    const bool v6 = !row.set6.empty() && key.size == key_size(row.shape, 16);
    const std::size_t address_size = v6 ? 16 : 4;
    if (row.element == nullptr || key.size != key_size(row.shape, address_size)) return std::nullopt;
    Reader reader(key, address_size);
    Fields fields;
    if (row.shape == KeyShape::numbers) {
        const auto note = note_in(user_data);
        if (!note) return std::nullopt;
        fields.id = reader.get32();
        fields.part = reader.get32();
        fields.note = *note;
        return row.element(fields);
    }
    const std::uint8_t protocol = reader.get8();
    const bool tcp = protocol == static_cast<std::uint8_t>(Transport::tcp);
    if (!tcp && (protocol != static_cast<std::uint8_t>(Transport::udp) || row.shape == KeyShape::connection))
        return std::nullopt;
    fields.transport = tcp ? Transport::tcp : Transport::udp;
    if (row.shape == KeyShape::from) fields.remote = reader.address();
    fields.endpoint = reader.endpoint();
    if (row.shape == KeyShape::connection) fields.other = reader.endpoint();
    if (row.shape == KeyShape::via) fields.interface = reader.interface();
    if (is_map(row.shape)) {
        if (data.size != address_size + 4) return std::nullopt;
        fields.other = Reader(data, address_size).endpoint();
    }
    return row.element(fields);
}

std::optional<ConntrackTuple> udp_flow_of(const Value& key) {
    for (const std::size_t address_size : {std::size_t{4}, std::size_t{16}}) {
        if (key.size != 2 * (address_size + 4)) continue;
        Reader reader(key, address_size);
        const Endpoint source = reader.endpoint();
        return ConntrackTuple{Transport::udp, source, reader.endpoint()};
    }
    return std::nullopt;
}

}  // namespace sipalg::nft
