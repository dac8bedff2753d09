// What the core asks the kernel to hold: mappings, pinholes, listeners and records, each with a timeout.
// The only header (with the value types it includes) that nft/ takes from alg/.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/net/address.hpp"

namespace sipalg {

/// One endpoint-independent NAT mapping (A3): packets from `inside` leave as `outside`, and packets to
/// `outside` that a pinhole admits arrive at `inside`. `outside` is an address of the router's own interface.
struct Mapping {
    Transport transport = Transport::udp;
    Endpoint inside;
    Endpoint outside;
    /// Nothing is translated (N2): the kernel needs no such element.
    bool is_identity() const { return inside == outside; }
    friend auto operator<=>(const Mapping&, const Mapping&) = default;
};

/// Who may send to a mapped endpoint: `remote`, from any of its ports; everybody if it is none (C5).
struct Pinhole {
    Transport transport = Transport::udp;
    Address remote;
    Endpoint outside;
    friend auto operator<=>(const Pinhole&, const Pinhole&) = default;
};

/// A mapped endpoint that lets in the first that sends to it, whoever it is, and nobody else (C5, `latch`).
/// The kernel takes it away with that packet and leaves a LatchedSource in its place.
struct Latch {
    Transport transport = Transport::udp;
    Endpoint outside;
    friend auto operator<=>(const Latch&, const Latch&) = default;
};

/// Whom a Latch has let in. The kernel alone adds these.
struct LatchedSource {
    Transport transport = Transport::udp;
    Address remote;
    Endpoint outside;
    friend auto operator<=>(const LatchedSource&, const LatchedSource&) = default;
};

/// A phone's signalling endpoint whose packets are diverted whatever the port of the other side (A2).
struct Diversion {
    Transport transport = Transport::udp;
    Endpoint inside;
    friend auto operator<=>(const Diversion&, const Diversion&) = default;
};

/// A TCP connection whose two ends count differently: its segments wait for a daemon, if there is none (T4).
struct SequenceMapped {
    Endpoint phone, peer;  ///< as seen inside
    friend auto operator<=>(const SequenceMapped&, const SequenceMapped&) = default;
};

/// A phone's public signalling endpoint, to which allowed peers may send unasked (N3). Nothing of the like is
/// there unless the owner allows some peers.
struct Reachable {
    Transport transport = Transport::udp;
    Endpoint outside;
    friend auto operator<=>(const Reachable&, const Reachable&) = default;
};

/// A piece of what a restarted daemon needs besides the elements themselves (A5). The kernel keeps at most
/// 256 bytes of user data with an element, so a call or binding is a few pieces under one id.
struct Record {
    static constexpr std::size_t max_bytes = 240;
    std::uint32_t id = 0;
    std::uint32_t part = 0;
    std::string bytes;  ///< at most max_bytes, opaque to the kernel and to nft/
    friend auto operator<=>(const Record&, const Record&) = default;
};

using Element =
    std::variant<Mapping, Pinhole, Diversion, Record, Latch, LatchedSource, SequenceMapped, Reachable>;

/// One step of a transaction. `add` and `renew` leave the element there with a full `timeout`, whether or not
/// it was there before; `remove` leaves it absent, whether or not it was there (it may have expired
/// meanwhile). A LatchedSource is only ever removed.
struct Change {
    enum class Op : std::uint8_t { add, renew, remove };
    Op op = Op::add;
    Element element;
    Seconds timeout{0};  ///< at least 1 s for add and renew (X8); not looked at for remove
};

/// A flow by its original direction, as conntrack knows it.
struct ConntrackTuple {
    Transport transport = Transport::udp;
    Endpoint source;
    Endpoint destination;
    friend auto operator<=>(const ConntrackTuple&, const ConntrackTuple&) = default;
};

/// A conntrack entry with its two directions, and what it tells of its packets.
struct ConntrackEntry {
    Transport transport = Transport::udp;
    Endpoint original_source, original_destination;
    Endpoint reply_source, reply_destination;
    Seconds idle{0};       ///< since its last packet, of either direction
    bool replied = false;  ///< there were packets in the reply direction
    bool counted = false;  ///< the numbers of packets are known
    std::uint64_t original_packets = 0, reply_packets = 0;
};

/// An element as the kernel has it, with what is left of its timeout.
struct StoredElement {
    Element element;
    Seconds remaining{0};
};

}  // namespace sipalg
