// All that the core remembers: mappings, calls, registrations, connections, flows.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "alg/call/calls.hpp"
#include "alg/core/conntrack_scan.hpp"
#include "alg/core/decision.hpp"
#include "alg/core/flow_list.hpp"
#include "alg/kernel/record_ids.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/nat/nat_handling.hpp"
#include "alg/registration/registrations.hpp"
#include "alg/rewrite/edits.hpp"
#include "alg/sdp/description.hpp"
#include "alg/sip/message.hpp"
#include "alg/tcp/connections.hpp"

namespace sipalg {

/// How a phone's messages with a peer are handled: as the owner wants, and what was learned of the two.
struct Handling {
    Mode mode = Mode::automatic;
    nat::NatHandler minds = nat::NatHandler::neither;
    friend bool operator==(const Handling&, const Handling&) = default;
};

/// The tables of the core. inspect() and expire() stage their changes in them until commit() (law 4). The
/// tables refer to each other, so a State stays where it was made.
struct State {
    explicit State(Policy settings);
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void commit();  ///< the kernel has acknowledged Decision::changes
    void cancel();  ///< it refused them: forgets what was staged

    /// Earliest time at which expire() has something to do; nullopt: never.
    std::optional<Time> next_deadline() const;

    /// Ports of the router's own sockets: never used as public ports. Replaces the previous list.
    void set_occupied(std::vector<Socket> sockets);
    /// The router's own addresses and its networks' broadcast addresses: never mapped or opened (X2).
    void set_own_addresses(std::vector<Address> addresses);
    /// Media sources apply to calls from their next description on, modes to calls that begin.
    void set_treatments(Treatments treatments);

    /// How the owner wants the packet treated; a TCP connection whose bytes moved is not left (T4).
    Mode mode_of(const Arrival& arrival) const;
    Handling handling(const Address& phone, const Address& peer) const;
    /// The kernel may have noted a latched source: read the set and call note_latched(), once a second (C5).
    bool awaits_latched(Time now) const;

    /// Whether decisions carry Decision::explained. Off by default, because it costs.
    void explain(bool on);

    /// Restores what the previous run left in the kernel (A5), on an empty state. The returned changes remove
    /// elements that nothing explains; apply them and ignore a refusal. `advertised` maps an address of the
    /// router to the one that messages name (Egress).
    using Advertised = std::function<Address(const Address&)>;
    [[nodiscard]] std::vector<Change> restore(std::span<const StoredElement> elements,
                                              const Advertised& advertised, Time now);

    /// Everything that the kernel should hold now, as additions: for a table that another program flushed.
    std::vector<Change> elements(Time now) const;
    /// The addresses of the router that something stands at, each once.
    std::vector<Egress> egresses() const;

    Policy policy;
    RecordIds record_ids;
    nat::Mappings mappings;
    call::Calls calls;
    registration::Registrations registrations;
    tcp::Connections connections;
    nat::NatHandling nat_handling;
    std::unordered_set<Address> own_addresses;
    FlowList flows;
    std::unordered_set<Socket> found;  ///< servers of SIP on ports that are not configured

    ConntrackScan scan;

    // Work space of inspect(), kept so that no message allocates (P1).
    sip::Message message;
    sdp::Description description;
    rewrite::Edits edits;
    bool explaining = false;
};

}  // namespace sipalg
