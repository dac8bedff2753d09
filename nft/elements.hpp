// Elements as keys and data of the table's sets, both ways. Pure.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "alg/kernel/element.hpp"
#include "nft/batch.hpp"

namespace sipalg::nft {

namespace set_name {
inline constexpr std::string_view outside = "outside";
inline constexpr std::string_view outside_route = "outside_route";
inline constexpr std::string_view inside = "inside";
inline constexpr std::string_view sip_ports = "sip_ports";
inline constexpr std::string_view transports = "transports";
inline constexpr std::string_view tls_ports = "tls_ports";
inline constexpr std::string_view sip_words = "sip_words";
inline constexpr std::string_view listeners = "listeners";
inline constexpr std::string_view mappings_out = "mappings_out";
inline constexpr std::string_view mappings_in = "mappings_in";
inline constexpr std::string_view pinholes = "pinholes";
inline constexpr std::string_view pinholes_any = "pinholes_any";
inline constexpr std::string_view latches = "latches";
inline constexpr std::string_view learned = "learned";
inline constexpr std::string_view listeners6 = "listeners6";
inline constexpr std::string_view pinholes6 = "pinholes6";
inline constexpr std::string_view pinholes6_any = "pinholes6_any";
inline constexpr std::string_view latches6 = "latches6";
inline constexpr std::string_view learned6 = "learned6";
inline constexpr std::string_view shifted = "shifted";
inline constexpr std::string_view allowed_peers = "allowed_peers";
inline constexpr std::string_view allowed_peers6 = "allowed_peers6";
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
};

/// One element of one set.
struct Entry {
    std::string_view set;        ///< one of set_name
    Value key, data;             ///< data.size 0: no data
    std::string_view note;       ///< user data of ours, views into the Record
    bool ends_interval = false;  ///< of a set of intervals: what stood before ends here
};

/// The entries that make up an element.
struct Entries {
    std::array<Entry, 2> entry;
    std::size_t count = 0;
    const Entry* begin() const { return entry.data(); }
    const Entry* end() const { return entry.data() + count; }
};

/// What is wrong with an element, for people; nullopt: nothing. IPv6 is not translated, so there are no
/// mappings.
std::optional<std::string> objection(const Element& element);
/// Only for elements without objection(). A record's note is a view into `element`.
Entries entries_of(const Element& element);

/// The reverse, for what is read from the kernel; nullopt: not of our making.
std::optional<Diversion> listener_of(const Value& key);
std::optional<Pinhole> pinhole_of(const Value& key);
std::optional<Pinhole> pinhole_any_of(const Value& key);
std::optional<Latch> latch_of(const Value& key);
std::optional<LatchedSource> learned_of(const Value& key);
std::optional<SequenceMapped> shifted_of(const Value& key);
std::optional<Reachable> reachable_of(const Value& key);
std::optional<Record> record_of(const Value& key, std::string_view user_data);
/// From an entry of mappings_out (key: the inside endpoint).
std::optional<Mapping> mapping_of(const Value& key, const Value& data);

/// How the kernel lets an element be removed that may have gone already: kernels from 6.3 on by a message of
/// their own.
enum class Removal : std::uint8_t { destroy, ensure_and_remove };

/// Appends element messages to a batch; neighbours of one set and kind share a message. Nothing else may be
/// opened in the batch between two calls.
class ElementWriter {
  public:
    enum class Kind : std::uint8_t {
        ensure,  ///< there afterwards; fine if it is there already, unless with other data
        create,  ///< refused if it is there already
        remove,  ///< refused if it is not there
        destroy  ///< absent afterwards; only on kernels that have it, see Removal
    };
    ElementWriter(Batch& batch, const std::string& table) : batch_(batch), table_(table) {}
    /// `timeout` zero: for ever.
    void put(Kind kind, const Entry& entry, std::chrono::seconds timeout);
    /// Empties a set.
    void flush(std::string_view set);

  private:
    nlmsghdr* start(std::uint16_t type, std::uint16_t flags, std::string_view set);
    void open(Kind kind, std::string_view set);

    Batch& batch_;
    const std::string& table_;
    nlmsghdr* message_ = nullptr;  // the batch's open message, if it is one of ours
    nlattr* list_ = nullptr;       // its list of elements
    Kind kind_ = Kind::ensure;
    std::string_view set_;
};

}  // namespace sipalg::nft
