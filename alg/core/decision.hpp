// What the core is given and what it answers: a packet in, a decision out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alg/core/flow_list.hpp"
#include "alg/kernel/element.hpp"
#include "alg/net/address.hpp"
#include "alg/net/packet.hpp"
#include "alg/policy/event.hpp"
#include "alg/policy/policy.hpp"
#include "alg/policy/reason.hpp"
#include "alg/rewrite/place.hpp"
#include "alg/tcp/output.hpp"
#include "alg/tcp/step.hpp"

namespace sipalg {

/// A packet as it was queued, parsed once. Views the bytes, which must outlive it.
struct Arrival {
    Arrival() = default;
    Arrival(Side side, Bytes all, const Egress& way = {}, bool conntrack_scanned = false,
            std::uint64_t verdict = 0)
        : from(side), egress(way), scanned(conntrack_scanned), token(verdict) {
        read(all);
    }
    /// Takes other bytes: a copy of the same packet that lives longer.
    void read(Bytes all) {
        bytes = all;
        packet = parse_packet(all);
    }
    /// The two ends as the inside edge sees them (A1). Only where `packet` is there.
    const Endpoint& phone() const { return from == Side::inside ? packet->source : packet->destination; }
    const Endpoint& peer() const { return from == Side::inside ? packet->destination : packet->source; }
    FlowKey flow() const { return {packet->transport, phone(), peer()}; }

    Side from = Side::inside;
    Bytes bytes;
    std::optional<Packet> packet;  ///< nullopt: cannot be read (Reason::unreadable_packet)
    Egress egress;
    bool scanned = false;     ///< conntrack was dumped after the packet came
    std::uint64_t token = 0;  ///< names the packet's verdict if it has to wait (Output)
    /// The kernel has neither verified the UDP or TCP checksum nor left it to be computed (X13).
    bool checksum_unverified = false;
};

using tcp::Output;

/// One place of a message that was looked at, and what became of it.
struct Explained {
    std::uint32_t offset = 0;  ///< into the payload as it came
    std::uint32_t length = 0;
    std::string text;  ///< what stands there now; empty when it was kept
    rewrite::Place place = rewrite::Place::contact;
    rewrite::Kept kept = rewrite::Kept::changed;  ///< why not, if it was not changed
};

/// What is to be done with a packet, or at a point in time. Order for the daemon: erase `stale` flows, apply
/// `changes`; if the kernel took them, State::commit(), erase `ended` flows and send `payload` (or the
/// original); else State::cancel() and let the original bytes pass. Of what was closed, `ended` names the
/// flows that were negotiated; those from other ports are found by a sweep (see State::scan_wanted).
struct Decision {
    Reason reason = Reason::unchanged;
    /// Only conntrack knows what stands behind an address in this message: State::cancel(), sweep, and ask
    /// again with Arrival::scanned, then it never is asked for. If no sweep can be had, ask again all the
    /// same.
    bool scan_first = false;
    bool dropped = false;    ///< drop: malformed SIP, with that policy (S9), or a damaged segment (X13)
    bool rewritten = false;  ///< send `payload` in place of the packet's own
    std::string payload;
    std::vector<Change> changes;        ///< one transaction
    std::vector<ConntrackTuple> stale;  ///< conntrack entries that would shadow the changes (C7)
    std::vector<ConntrackTuple> ended;  ///< conntrack entries of what the changes close (C7)
    std::vector<Event> events;          ///< to be logged after commit
    std::vector<Explained> explained;   ///< only with State::explain(true); in the order of the message

    // TCP. When State::commit() or State::cancel() is done, conclude() says what becomes of packets.
    bool stream = false;  ///< the packet is of a connection that is read: the above is for its messages
    tcp::Step step;       ///< for conclude()
    std::vector<Reason> reasons;  ///< of each message in it
    /// In this order; a packet that is not in it stays queued until a later decision names it.
    std::vector<Output> outputs;
    void clear();
};

}  // namespace sipalg
