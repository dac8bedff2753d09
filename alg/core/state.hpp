// The state of the core: mappings, calls, registrations, connections, flows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "alg/base/hosts.hpp"
#include "alg/call/calls.hpp"
#include "alg/core/conntrack_scan.hpp"
#include "alg/core/decision.hpp"
#include "alg/core/flow_list.hpp"
#include "alg/core/ladder.hpp"
#include "alg/core/path_signs.hpp"
#include "alg/kernel/record.hpp"
#include "alg/kernel/record_ids.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/nat/nat_handling.hpp"
#include "alg/nat/proven_pairs.hpp"
#include "alg/registration/registrations.hpp"
#include "alg/rewrite/edits.hpp"
#include "alg/sdp/description.hpp"
#include "alg/sip/message.hpp"
#include "alg/tcp/connections.hpp"

namespace sipalg {

/// How the messages of a phone and a peer are handled: the owner's settings, and which of the two handles
/// NAT.
struct Handling {
    Mode mode = Mode::automatic;
    nat::NatHandler handler = nat::NatHandler::neither;
    friend bool operator==(const Handling&, const Handling&) = default;
};

/// The tables of the core. inspect() and expire() stage their changes in them until commit() (law 4). The
/// tables refer to each other, so a State cannot be moved.
struct State {
    explicit State(Policy settings);
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void commit();  ///< the kernel has acknowledged Decision::changes
    void cancel();  ///< the kernel refused them: drops the staged changes

    /// P5: the entries of all tables, and incomplete messages as so many entries: the measure of the memory
    /// in use.
    std::size_t entries() const;
    /// Frees the room in the tables that former entries have left. Precondition: nothing is staged.
    void shrink();

    /// Earliest time at which expire() has something to do; nullopt: never.
    std::optional<Time> next_deadline() const;

    /// Ports of the router's own sockets: never used as public ports. Replaces the previous list.
    void set_occupied(const std::vector<Socket>& sockets);
    /// The router's own addresses and its networks' broadcast addresses: never mapped or opened (X2).
    void set_own_addresses(std::vector<Address> addresses);
    /// New media sources apply to a call from its next description on, new modes to calls that begin later.
    void set_treatments(Treatments treatments);

    /// The mode for the packet. A TCP connection whose sequence numbers are translated is always read (T4).
    Mode mode_of(const Arrival& arrival) const;
    Handling handling(const Address& phone, const Address& peer) const;
    /// Whether the kernel may have added a latched source. If so, read the set once a second and call
    /// note_latched() (C5).
    bool awaits_latched(Time now) const;

    /// Turns Decision::explained on or off. Off by default, because it costs time.
    void explain(bool on);

    /// Restores the elements of the previous run (A5). Precondition: an empty state. The returned changes
    /// remove elements without an owner; apply them and ignore a refusal. `advertised` maps an address of the
    /// router to the one that messages name (Egress).
    using Advertised = std::function<Address(const Address&)>;
    [[nodiscard]] std::vector<Change> restore(std::span<const StoredElement> elements,
                                              const Advertised& advertised, Time now);

    /// All elements that the kernel should have now, as additions: for a table that another program flushed,
    /// or, with the latest records of calls, for a list that takes its place.
    std::vector<Change> elements(Time now, RecordState records = RecordState::in_kernel);
    /// The addresses of the router at which there are mappings, each once.
    std::vector<Egress> egresses() const;

    Policy policy;
    Hosts hosts;
    RecordIds record_ids;
    nat::Mappings mappings;
    nat::ProvenPairs proofs;
    call::Calls calls;
    registration::Registrations registrations;
    tcp::Connections connections;
    nat::NatHandling nat_handling;
    std::unordered_set<Address> own_addresses;
    FlowList flows;
    Ladders ladders;
    PathSigns path_signs;
    std::unordered_set<Socket> found;  ///< servers of SIP on ports that are not configured

    ConntrackScan scan;

    // Buffers of inspect(), reused so that a message causes no allocation (P1).
    sip::Message message;
    sdp::Description description;
    rewrite::Edits edits;
    bool explaining = false;
};

}  // namespace sipalg
