// The owner's settings and the properties of the router that the core needs.
#pragma once

#include <cstdint>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/treatment.hpp"

namespace sipalg {

/// The settings of the core.
struct Policy {
    std::uint16_t media_low = 16384;  ///< public ports for media whose own port is not free (A3); low is even
    std::uint16_t media_high = 32767;
    std::vector<std::uint16_t> sip_ports{5060};
    bool drop_malformed = false;  ///< SIP that breaks the grammar is dropped, not passed (S9)
    Treatments treatments;
    bool sees_flows = true;  ///< conntrack is scanned; without scans the core cannot tell whether media flow
    bool edits = true;       ///< false: messages pass unmodified, and planned edits are not applied
    // Limits (X7). At a limit new work is refused, and existing entries stay.
    std::size_t max_mappings = 65536;
    std::size_t max_mappings_per_phone = 8192;
    std::size_t max_calls = 16384;
    std::size_t max_calls_per_phone = 1024;
    std::size_t max_calls_per_peer = 8192;
    std::size_t max_unanswered_per_phone = 768;  ///< calls from outside that the phone has not answered
    /// Calls of which no peer is proven (X11). One more ends the oldest of the host that has most.
    std::size_t max_unproven_calls = 1024;
    /// Pairs of phone and peer that are proven by packets alone. The oldest makes room.
    std::size_t max_proven_pairs = 8192;
    std::size_t max_proven_pairs_per_phone = 512;
    std::size_t max_bindings = 4096;
    std::size_t max_bindings_per_phone = 64;
    std::size_t max_streams = 4096;  ///< TCP connections that are read
    std::size_t max_streams_per_phone = 512;
    /// Segments that wait in the queue for the rest of a message. The limit is far below the length of the
    /// queue, so that other packets do not have to wait as well.
    std::size_t max_held_segments = 512;
    std::size_t max_held_segments_per_phone = 128;
    std::size_t max_stream_memory = 16 << 20;  ///< bytes of incomplete messages
    std::size_t max_stream_memory_per_phone = 4 << 20;
    /// TCP connections of which only SYNs were seen. One more removes the oldest one of the host that has
    /// most.
    std::size_t max_half_open_streams = 1024;
    Seconds silence{300};  ///< a call without media in both directions ends after this time (C6)
    Seconds hold{7200};    ///< the same for a call on hold
};

/// The side a packet comes from.
enum class Side : std::uint8_t { inside, outside };
inline Side opposite(Side side) {
    return side == Side::inside ? Side::outside : Side::inside;
}

/// The router's outside address on the route between the two ends of a packet. Without translation (N2) it is
/// the phone's own address: endpoints and messages stay as they are.
struct Egress {
    Address address;     ///< of the outside interface: what NAT writes into packets
    Address advertised;  ///< the address that messages name; differs only with --external-address
    friend auto operator<=>(const Egress&, const Egress&) = default;
};

/// A change of the router's address: everything at the outside address `from` moves to `to`. If only
/// `to.advertised` changes, `from` is `to.address`.
struct AddressChange {
    Address from;
    Egress to;
    friend auto operator<=>(const AddressChange&, const AddressChange&) = default;
};

}  // namespace sipalg
