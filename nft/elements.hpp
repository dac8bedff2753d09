// Converts elements of the core to keys and data of the table's sets, and back. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "alg/base/result.hpp"
#include "alg/kernel/element.hpp"

namespace sipalg::nft {

/// The names in the kernel. They never change, because a restarted daemon finds the elements of the last run
/// by these names (A5).
namespace set_name {
// Filled from the settings.
inline constexpr std::string_view outside = "outside";
inline constexpr std::string_view outside_route = "outside_route";
inline constexpr std::string_view inside = "inside";
inline constexpr std::string_view sip_ports = "sip_ports";
inline constexpr std::string_view tls_ports = "tls_ports";
inline constexpr std::string_view signalling_ports = "signalling_ports";
inline constexpr std::string_view sip_words = "sip_words";
inline constexpr std::string_view transports = "transports";
inline constexpr std::string_view allowed_peers = "allowed_peers";
inline constexpr std::string_view allowed_peers6 = "allowed_peers6";
inline constexpr std::string_view any_interface = "any_interface";
inline constexpr std::string_view any_interface6 = "any_interface6";
// Filled by rules.
inline constexpr std::string_view phones = "phones";
inline constexpr std::string_view phones6 = "phones6";
inline constexpr std::string_view flows = "flows";
inline constexpr std::string_view flows6 = "flows6";
inline constexpr std::string_view seen = "seen";
inline constexpr std::string_view unsettled = "unsettled";
inline constexpr std::string_view uplinks = "uplinks";
// Filled with elements of the core; see element_rows().
inline constexpr std::string_view listeners = "listeners";
inline constexpr std::string_view listeners6 = "listeners6";
inline constexpr std::string_view mappings_out = "mappings_out";
inline constexpr std::string_view mappings_via = "mappings_via";
inline constexpr std::string_view mappings_in = "mappings_in";
inline constexpr std::string_view pinholes = "pinholes";
inline constexpr std::string_view pinholes6 = "pinholes6";
inline constexpr std::string_view pinholes_any = "pinholes_any";
inline constexpr std::string_view pinholes6_any = "pinholes6_any";
inline constexpr std::string_view latches = "latches";
inline constexpr std::string_view latches6 = "latches6";
inline constexpr std::string_view learned = "learned";
inline constexpr std::string_view learned6 = "learned6";
inline constexpr std::string_view shifted = "shifted";
inline constexpr std::string_view reachable = "reachable";
inline constexpr std::string_view reachable6 = "reachable6";
inline constexpr std::string_view records = "records";
}  // namespace set_name

/// Bytes of a key or of map data: each part of a concatenation in network byte order from a 4-byte boundary.
struct Value {
    std::array<std::uint8_t, 40> bytes{};
    std::uint8_t size = 0;
    // NOLINTNEXTLINE(modernize-use-nullptr): there is no pointer in it
    friend auto operator<=>(const Value&, const Value&) = default;

    void put8(std::uint8_t number);
    void put16(std::uint16_t number);
    void put32_host(std::uint32_t number);
    void put(const Address& address);
    void put(const Endpoint& endpoint);
    void put(const InterfaceName& interface);
};

/// One element of one set.
struct Entry {
    std::string_view set;        ///< one of set_name
    Value key, data;             ///< data.size 0: no data
    std::string_view note;       ///< the daemon's user data, a view into the Record or the Change
    bool ends_interval = false;  ///< in a set of intervals: the end of the previous interval
};

/// The entries that make up an element.
struct Entries {
    std::array<Entry, 2> entry;
    std::size_t count = 0;
    const Entry* begin() const { return entry.data(); }
    const Entry* end() const { return entry.data() + count; }
};

/// The parts of a set's keys; all addresses are of one family.
enum class KeyShape : std::uint8_t {
    endpoint,     ///< protocol . address . port
    from,         ///< protocol . remote address . address . port
    connection,   ///< protocol . address . port . address . port
    translation,  ///< protocol . address . port : address . port, a map
    via,          ///< protocol . address . port . interface : address . port, a map
    numbers       ///< mark . mark, with bytes of ours as user data
};

/// The parts of an element; which of them are used depends on the shape.
struct Fields {
    Transport transport = Transport::udp;
    Address remote{};              ///< of `from`
    Endpoint endpoint{};           ///< of all shapes but `numbers`
    Endpoint other{};              ///< of `connection`: the second end; of `translation` and `via`: the data
    InterfaceName interface = {};  ///< of `via`
    std::uint32_t id = 0, part = 0;
    std::string_view note{};  ///< of `numbers`
};

/// One kind of element and its representation in the kernel. The code that makes the sets and writes, checks
/// and reads elements uses these rows, so a new kind of element is a new row.
struct ElementRow {
    std::size_t alternative;            ///< of Element
    std::string_view set, set6;         ///< for IPv4 and IPv6; no set6: IPv4 only
    KeyShape shape;                     ///< two rows of one alternative differ in shape: see belongs()
    bool filled_by_rules;               ///< rules add elements too, so the set needs a size
    Fields (*fields)(const Element&);   ///< only for this alternative
    Element (*element)(const Fields&);  ///< nullptr: the second half of an element that another row restores
};

std::span<const ElementRow> element_rows();

/// Whether the kernel can store the element; if not, the error is a text for people.
Result<> validate(const Element& element);
/// Precondition: the element is valid. A record's note is a view into `element`.
Entries entries_of(const Element& element);
/// The same for the element of a change, with its note, which is a view into `change`.
Entries entries_of(const Change& change);
/// Converts a key and data from the kernel to an element; nullopt: not made by sipalgd. `data`: only for
/// maps. `user_data`: in nft's layout, with the daemon's bytes among others.
std::optional<Element> element_of(const ElementRow& row, const Value& key, const Value& data,
                                  std::string_view user_data);

/// The flow with this key in the sets `flows` and `flows6`; nullopt: not a key of these sets.
std::optional<ConntrackTuple> udp_flow_of(const Value& key);

/// The daemon's bytes in user data to which nft may have added others; nullopt: none.
std::optional<std::string_view> note_in(std::string_view user_data);

/// The type number of the daemon's user data. nft numbers its own types from 0 and skips unknown ones.
inline constexpr std::uint8_t note_type = 0xa5;

}  // namespace sipalg::nft
