// The owner's settings and the properties of the router that the core needs.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/net/address.hpp"
#include "alg/net/interface_name.hpp"
#include "alg/net/port_range.hpp"
#include "alg/policy/limits.hpp"
#include "alg/policy/treatment.hpp"

namespace sipalg {

/// The settings of the core.
struct Policy : Limits {
    std::uint16_t media_low = 16384;  ///< public ports for media whose own port is not free (A3); low is even
    std::uint16_t media_high = 32767;
    /// The ports that reach this router, where others share its address (MAP-E, lw4o6); empty: all. Public
    /// ports, of media too, are chosen from them.
    std::vector<PortRange> public_ports;
    std::vector<std::uint16_t> sip_ports{5060};
    bool drop_malformed = false;  ///< SIP that breaks the grammar is dropped, not passed (S9)
    Treatments treatments;
    /// Besides urn:service:sos, the numbers whose calls have a reserve (X7).
    std::vector<std::string> emergency_numbers{"112", "911"};
    bool sees_flows = true;  ///< conntrack is scanned; without scans the core cannot tell whether media flow
    bool edits = true;       ///< false: messages pass unmodified, and planned edits are not applied
    Seconds silence{300};    ///< a call without media in both directions ends after this time (C6)
    Seconds hold{7200};      ///< the same for a call on hold
};

/// The side a packet comes from.
enum class Side : std::uint8_t { inside, outside };
inline Side opposite(Side side) {
    return side == Side::inside ? Side::outside : Side::inside;
}

/// The router's outside address on the route between the two ends of a packet. Without translation (N2) it is
/// the phone's own address: endpoints and messages stay as they are.
struct Egress {
    Address address;     ///< of the outside interface: NAT writes it into packets
    Address advertised;  ///< the address that messages name; differs only with --external-address
    /// The outside interface with this address. Empty: no outside interface has another address, or several
    /// have this one.
    InterfaceName interface = {};
    // The interface follows from the address.
    friend bool operator==(const Egress& a, const Egress& b) {
        return a.address == b.address && a.advertised == b.advertised;
    }
    friend auto operator<=>(const Egress& a, const Egress& b) {
        return std::tie(a.address, a.advertised) <=> std::tie(b.address, b.advertised);
    }
};

/// A change of the router's address: everything at the outside address `from` moves to `to`. If only
/// `to.advertised` changes, `from` is `to.address`.
struct AddressChange {
    Address from;
    Egress to;
    friend auto operator<=>(const AddressChange&, const AddressChange&) = default;
};

}  // namespace sipalg
