// Conntrack, as far as tests of the core need it: which packets are answers.
#pragma once

#include <map>
#include <utility>

#include "alg/core/door.hpp"

namespace sipalg::test {

/// The packet as one of a flow that phone and peer both use.
inline Arrival answering(Arrival arrival) {
    arrival.established = arrival.from == Side::outside;
    return arrival;
}

/// Knows the flows between phones and peers. A packet from outside is established (X11) if the phone has sent
/// on the flow before, and the flow has not been idle for longer than conntrack keeps it.
class FlowTracker {
  public:
    static constexpr Time lifetime{120'000};

    /// Whether the packet, which passes now, is established.
    bool pass(Side from, const Endpoint& source, const Endpoint& destination, Time now) {
        const bool outward = from == Side::inside;
        Flow& flow = flows_[outward ? std::pair{source, destination} : std::pair{destination, source}];
        if (now - flow.last > lifetime) flow.phone_has_sent = false;
        flow.last = now;
        flow.phone_has_sent = flow.phone_has_sent || outward;
        return !outward && flow.phone_has_sent;
    }
    /// The same for a packet that is about to be inspected.
    Arrival& pass(Arrival& arrival, Time now) {
        if (arrival.packet)
            arrival.established =
                pass(arrival.from, arrival.packet->source, arrival.packet->destination, now);
        return arrival;
    }

  private:
    struct Flow {
        Time last{0};
        bool phone_has_sent = false;
    };
    std::map<std::pair<Endpoint, Endpoint>, Flow> flows_;  ///< by phone and peer
};

}  // namespace sipalg::test
