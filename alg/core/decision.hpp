// The input of the core and its output: a packet and a decision.
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
    Arrival(Side side, Bytes all, const Egress& way = {}, bool questions_answered = false,
            std::uint64_t verdict = 0)
        : from(side), egress(way), answered(questions_answered), token(verdict) {
        read(all);
    }
    /// Replaces the bytes by a copy of the same packet that lives longer.
    void read(Bytes all) {
        bytes = all;
        packet = parse_packet(all);
    }
    /// The two ends as seen at the inside edge (A1). Precondition: `packet` has a value.
    const Endpoint& phone() const { return from == Side::inside ? packet->source : packet->destination; }
    const Endpoint& peer() const { return from == Side::inside ? packet->destination : packet->source; }
    FlowKey flow() const { return {packet->transport, phone(), peer()}; }

    Side from = Side::inside;
    Bytes bytes;
    std::optional<Packet> packet;  ///< nullopt: cannot be read (Reason::unreadable_packet)
    Egress egress;
    bool answered = false;  ///< Decision::asked was answered, so nothing is asked again
    bool again = false;     ///< the decision about it was cancelled; the list of flows has counted it
    /// The packet belongs to a connection in which conntrack has seen packets in both directions (X11).
    bool established = false;
    /// Of the link-layer neighbour from which a packet from inside came, an opaque id that is not the address
    /// of a phone (X7); none: not known.
    Address neighbour;
    std::uint64_t token = 0;  ///< identifies the packet in Output if its verdict has to wait
    /// The kernel has not verified the UDP or TCP checksum and will not compute it, so the core verifies it
    /// (X13).
    bool checksum_unverified = false;
};

using tcp::Output;

/// A question to the kernel: which UDP port of the phone does NAT translate to this public endpoint (S2)?
struct PortQuestion {
    Endpoint outside;
    Address phone;
    friend bool operator==(const PortQuestion&, const PortQuestion&) = default;
};

/// An address in a message, and whether it was changed.
struct Explained {
    std::uint32_t offset = 0;  ///< into the payload as it arrived
    std::uint32_t length = 0;
    std::string text;  ///< the new text; empty if the address was kept
    rewrite::Place place = rewrite::Place::contact;
    rewrite::Kept kept = rewrite::Kept::changed;  ///< the reason, if it was not changed
};

/// A copy of a message, or of a datagram that is not a message, with the decision about it, for display.
struct SeenMessage {
    Transport transport = Transport::udp;
    Side from = Side::inside;
    Endpoint phone, peer;
    Endpoint public_endpoint;  ///< the phone's endpoint in packets outside; its own if it is not translated
    Reason reason = Reason::unchanged;
    std::string before;
    std::string after;  ///< empty: it passes unmodified
    std::vector<Explained> places;
};

/// The actions of the daemon for a packet or a deadline, in this order: delete the `stale` entries and apply
/// `changes`. If the kernel accepts, call State::commit(), delete the `ended` entries and send `payload` (or
/// the original); else call State::cancel() and send the original bytes. `ended` has the negotiated flows of
/// what was closed; the next scan finds flows from other ports (see ConntrackScan::wanted()).
struct Decision {
    Reason reason = Reason::unchanged;
    /// No decision is made before these are answered: call State::cancel(), then ExistingNat::note_seen() for
    /// each answer that the kernel has, and inspect() again with Arrival::answered set.
    std::vector<PortQuestion> asked;
    static constexpr std::size_t most_asked =
        64;                  ///< further endpoints are handled as if the kernel had no answer (X7)
    bool dropped = false;    ///< drop it: malformed SIP with policy `drop` (S9), or a damaged segment (X13)
    bool rewritten = false;  ///< send `payload` in place of the packet's own
    std::string payload;
    /// For a UDP packet to a phone that listens at another port than it sends from: send it to this port
    /// (S4).
    std::optional<std::uint16_t> destination_port;
    std::vector<Change> changes;        ///< one transaction
    std::vector<ConntrackTuple> stale;  ///< conntrack entries that would shadow the changes (C7)
    std::vector<ConntrackTuple> ended;  ///< conntrack entries of the flows that the changes close (C7)
    std::vector<Event> events;          ///< to be logged after commit
    std::vector<Explained> explained;   ///< only with State::explain(true); in the order of the message
    std::vector<SeenMessage> seen;  ///< only with State::explain(true); valid once the decision is in force

    // TCP. After State::commit() or State::cancel(), conclude() gives the verdicts.
    bool stream = false;          ///< of a connection that is read; the fields above are about its messages
    tcp::Step step;               ///< for conclude()
    std::vector<Reason> reasons;  ///< of each message in it
    /// To be carried out in this order. A packet that is not listed stays queued until a later decision lists
    /// it.
    std::vector<Output> outputs;
    void clear();
};

}  // namespace sipalg
