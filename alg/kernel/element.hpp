// The elements of the core in the kernel: mappings, pinholes, diversions and records, each with a timeout.
// This header and the value types that it includes are the interface between the core and nft/.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "alg/base/shared_text.hpp"
#include "alg/base/time.hpp"
#include "alg/net/address.hpp"
#include "alg/net/interface_name.hpp"

namespace sipalg {

/// One endpoint-independent NAT mapping (A3): packets from `inside` leave as `outside`, and packets to
/// `outside` that a pinhole admits arrive at `inside`. `outside` is an address of the router's own interface.
struct Mapping {
    Transport transport = Transport::udp;
    Endpoint inside;
    Endpoint outside;
    /// Translates only packets that leave by this interface; empty: by any outside interface.
    InterfaceName interface = {};
    /// Whether the endpoint is not translated (N2), so that the kernel needs no element.
    bool is_identity() const { return inside == outside; }
    friend auto operator<=>(const Mapping&, const Mapping&) = default;
};

/// A source that may send to a mapped endpoint: `remote` with any of its ports, or any source if `remote` is
/// empty (C5).
struct Pinhole {
    Transport transport = Transport::udp;
    Address remote;
    Endpoint outside;
    friend auto operator<=>(const Pinhole&, const Pinhole&) = default;
};

/// A mapped endpoint that lets in the first source that sends to it, and no other (C5, `latch`). When that
/// packet arrives, the kernel replaces the Latch by a LatchedSource.
struct Latch {
    Transport transport = Transport::udp;
    Endpoint outside;
    friend auto operator<=>(const Latch&, const Latch&) = default;
};

/// A source that a Latch has let in. Only the kernel adds these.
struct LatchedSource {
    Transport transport = Transport::udp;
    Address remote;
    Endpoint outside;
    friend auto operator<=>(const LatchedSource&, const LatchedSource&) = default;
};

/// A phone's signalling endpoint whose packets are queued for any port of the other end (A2).
struct Diversion {
    Transport transport = Transport::udp;
    Endpoint inside;
    friend auto operator<=>(const Diversion&, const Diversion&) = default;
};

/// A TCP connection whose sequence numbers are mapped: without a daemon its segments are dropped (T4).
struct SequenceMapped {
    Endpoint phone, peer;  ///< as seen inside
    friend auto operator<=>(const SequenceMapped&, const SequenceMapped&) = default;
};

/// A phone's public signalling endpoint, to which allowed peers may send first (N3). Only used if the owner
/// allows peers.
struct Reachable {
    Transport transport = Transport::udp;
    Endpoint outside;
    friend auto operator<=>(const Reachable&, const Reachable&) = default;
};

/// A piece of state that a restarted daemon needs in addition to the other elements (A5). The kernel stores
/// at most 256 bytes of user data with an element, so the record of a call or binding has several pieces with
/// the same id.
struct Record {
    static constexpr std::size_t max_bytes = 240;
    std::uint32_t id = 0;
    std::uint32_t part = 0;
    std::string bytes;  ///< at most max_bytes, opaque to the kernel and to nft/
    friend auto operator<=>(const Record&, const Record&) = default;
};

using Element =
    std::variant<Mapping, Pinhole, Diversion, Record, Latch, LatchedSource, SequenceMapped, Reachable>;

/// The note of a mapping that only calls have used, so that none of them has ended without its removal.
inline const SharedText of_calls_note = "c";

/// One step of a transaction. After `add` and `renew` the element exists with the full `timeout`, whether or
/// not it existed before. After `remove` it does not exist; it may have expired before. A LatchedSource is
/// only removed, never added.
struct Change {
    enum class Op : std::uint8_t { add, renew, remove };
    Op op = Op::add;
    Element element;
    Seconds timeout{0};  ///< at least 1 s for add and renew (X8); ignored for remove
    /// The user data of the element, at most Record::max_bytes: of a Pinhole, see put_into_notes(); of a
    /// Mapping (of its outward entry), of_calls_note or empty.
    SharedText note{};
};

/// One direction of a flow, as in conntrack.
struct ConntrackTuple {
    Transport transport = Transport::udp;
    Endpoint source;
    Endpoint destination;
    friend auto operator<=>(const ConntrackTuple&, const ConntrackTuple&) = default;
};

/// A conntrack entry with its two directions and packet counts.
struct ConntrackEntry {
    Transport transport = Transport::udp;
    Endpoint original_source, original_destination;
    Endpoint reply_source, reply_destination;
    Seconds idle{0};          ///< since its last packet, of either direction
    bool replied = false;     ///< there were packets in the reply direction
    bool has_helper = false;  ///< a conntrack helper was assigned, so it is never offloaded (A8)
    bool offloaded = false;   ///< in a flowtable: its packets pass no chain but ingress
    bool counted = false;     ///< the packet counts are valid
    std::uint64_t original_packets = 0, reply_packets = 0;
};

/// An element in the kernel, with the remaining time.
struct StoredElement {
    Element element;
    Seconds remaining{0};
    SharedText note{};  ///< see Change
};

}  // namespace sipalg
