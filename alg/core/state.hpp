// The inside of State: what inspect, expire, sweep and restore work on.
#pragma once

#include <set>
#include <unordered_set>

#include "alg/call/audio_check.hpp"
#include "alg/call/calls.hpp"
#include "alg/core/door.hpp"
#include "alg/core/flow_list.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/nat/nat_handling.hpp"
#include "alg/registration/registrations.hpp"
#include "alg/rewrite/edits.hpp"
#include "alg/sdp/description.hpp"
#include "alg/sip/message.hpp"
#include "alg/tcp/connections.hpp"

namespace sipalg {

struct State::Impl {
    explicit Impl(Policy settings)
        : policy(std::move(settings)),
          mappings(policy),
          calls(policy, mappings),
          registrations(policy, mappings),
          connections(policy) {}

    /// How the owner wants the packet treated.
    Mode mode_of(const Packet& packet, Side from) const;

    Policy policy;
    nat::Mappings mappings;
    call::Calls calls;
    registration::Registrations registrations;
    tcp::Connections connections;
    nat::NatHandling nat_handling;
    std::uint32_t next_record = 1;
    std::unordered_set<Address> own_addresses;
    FlowList flows;
    std::unordered_set<Socket> found;  ///< servers of SIP on ports that are not configured

    // Conntrack sweep.
    std::set<Mapping> closed;
    std::set<Pinhole> closed_pinholes;
    Time next_look{0};
    Time scan_begun{0};
    /// Changes of the router's address so far, those before the sweep that goes on, and before one that has
    /// ended: until then conntrack may have flows that still leave from the former address.
    std::uint64_t renumbered = 0, renumbered_at_scan = 0, renumbered_and_scanned = 0;
    call::AudioCheck audibility;

    // Work space of inspect(), kept so that nothing is allocated per message.
    sip::Message message;
    sdp::Description description;
    rewrite::Edits edits;
    bool explaining = false;
};

}  // namespace sipalg
