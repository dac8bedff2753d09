// The door of the core: a packet and the time in, a decision out.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/core/flow_list.hpp"
#include "alg/core/report.hpp"
#include "alg/kernel/element.hpp"
#include "alg/nat/nat_handling.hpp"
#include "alg/net/address.hpp"
#include "alg/net/packet.hpp"
#include "alg/policy/event.hpp"
#include "alg/policy/policy.hpp"
#include "alg/policy/reason.hpp"
#include "alg/rewrite/place.hpp"

namespace sipalg {

/// A packet as it was queued. Read only during inspect().
struct Arrival {
    Side from = Side::inside;
    Bytes bytes;
    Egress egress;
    bool scanned = false;     ///< a sweep of conntrack has begun and ended since the packet came
    std::uint64_t token = 0;  ///< names the packet's verdict, should it have to wait (Output)
};

/// What becomes of a packet of a TCP connection: of the one that came, of one that has waited, or one of our
/// own.
struct Output {
    enum class Kind : std::uint8_t {
        pass,     ///< as it came
        replace,  ///< by `bytes`
        drop,
        inject,  ///< `bytes` are sent besides
    };
    Kind kind = Kind::pass;
    std::uint64_t token = 0;  ///< of its Arrival; not of an injected one
    std::vector<std::uint8_t> bytes;
    Side from = Side::inside;  ///< of an injected one: which end it seems to come from
    Address egress;            ///< and the router's address outside on its way
};

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
    bool dropped = false;    ///< no verdict but drop: the owner wants no malformed SIP to pass (S9)
    bool rewritten = false;  ///< send `payload` in place of the packet's own
    std::string payload;
    std::vector<Change> changes;        ///< one transaction
    std::vector<ConntrackTuple> stale;  ///< conntrack entries that would shadow the changes (C7)
    std::vector<ConntrackTuple> ended;  ///< conntrack entries of what the changes close (C7)
    std::vector<Event> events;          ///< to be logged after commit
    std::vector<Explained> explained;   ///< only with State::explain(true); in the order of the message

    // TCP. When State::commit() or State::cancel() is done, conclude() says what becomes of packets.
    bool stream = false;  ///< the packet is of a connection that is read: the above is for its messages
    std::vector<Reason> reasons;  ///< of each message in it
    std::vector<Output>
        outputs;  ///< in order; a packet that is not in it waits until a later decision names it
    void clear();
};

/// How a phone's messages with a peer are handled: as the owner wants, and what was learned of the two.
struct Handling {
    Mode mode = Mode::automatic;
    nat::NatHandler minds = nat::NatHandler::neither;
    friend bool operator==(const Handling&, const Handling&) = default;
};

/// All calls, registrations and mappings. Changes made by inspect() and expire() are staged until commit().
class State {
  public:
    explicit State(Policy policy);
    ~State();
    State(State&&) noexcept;
    State& operator=(State&&) noexcept;

    void commit();  ///< the kernel has confirmed Decision::changes
    void cancel();  ///< it has not: forget what was staged

    /// Earliest time at which expire() has something to do; nullopt: never.
    std::optional<Time> next_deadline() const;

    /// Ports of the router's own sockets and the like: never used as public ports. Replaces the former list.
    void set_occupied(std::vector<Socket> sockets);
    /// The router's own addresses, and interface networks' broadcast addresses: never mapped or opened (X2).
    void set_own_addresses(std::vector<Address> addresses);

    /// The sources of media count for calls from their next description on; whether messages are rewritten,
    /// for calls that begin.
    void set_treatments(Treatments treatments);
    Mode mode_of(const Arrival& arrival) const;
    Handling handling(const Address& phone, const Address& peer) const;
    /// The kernel may have learned where media come from: read what it has and call learn(), once a second.
    bool learning(Time now) const;

    /// Whether decisions carry Decision::explained. Off at first: it costs.
    void explain(bool on);

    /// Nothing is mapped, neither by us nor by the owner's NAT: nothing can have to be looked for until a
    /// packet comes.
    bool idle() const;
    /// Conntrack should be scanned: something was opened or closed since the last sweep began, or it is time
    /// to look which calls still have media, and what the owner's NAT maps. The first sweep is for before the
    /// first packet (C12).
    bool scan_wanted(Time now) const;
    void begin_scan(Time now);
    /// One conntrack entry of the sweep. Returns true if it must be deleted: a flow of a closed mapping, or
    /// one that an open mapping should carry but does not.
    bool scan_entry(const ConntrackEntry& flow, Time now);
    /// Returns what is to be logged.
    std::vector<Event> end_scan();
    /// The sweep could not be ended: what it was for is still to be done.
    void abandon_scan();

    /// Takes over what an earlier daemon left in the kernel (A5), on an empty state. The returned changes
    /// remove what can't be explained any more; apply them, whatever the kernel says of them.
    /// `advertised` tells what messages say for an address of the router (Egress).
    using Advertised = std::function<Address(const Address&)>;
    std::vector<Change> restore(std::span<const StoredElement> elements, const Advertised& advertised,
                                Time now);

    /// Everything the kernel should hold now, as additions: for a table that others have flushed.
    std::vector<Change> elements(Time now) const;

    /// The addresses that something stands at, each once.
    std::vector<Egress> egresses() const;

    std::vector<CallReport> calls(Time now) const;
    std::vector<PinholeReport> pinholes(Time now) const;
    std::vector<BindingReport> bindings(Time now) const;
    std::vector<FlowReport> flows(Time now) const;
    /// TLS and DTLS of which only the beginning was seen: somebody else has to tell when they end.
    std::vector<FlowKey> watched_flows() const;
    void forget_flow(const FlowKey& key);
    /// How many flows are known of each FlowKind, in its order.
    std::array<std::size_t, flow_kinds> flow_counts() const;
    Totals totals() const;

    struct Impl;
    Impl& impl() { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

/// A phone's endpoint that is to be reachable though it has said nothing (N3), and how the outside sees it.
struct StaticPhone {
    Socket inside;
    Egress egress;
};

/// Decides over one packet. `decision` is cleared first (its buffers are used again).
void inspect(State& state, const Arrival& arrival, Time now, Decision& decision);
/// TCP: what becomes of the packet of the last inspect(), and of those that have waited for it, now that its
/// changes are `in_force` or were refused. Fills Decision::outputs. After expire() as well, without an
/// arrival.
void conclude(State& state, const Arrival& arrival, bool in_force, Time now, Decision& decision);
/// Ends the connections whose bytes have moved: nobody would translate them any more (T4).
void end_streams(State& state, Time now, Decision& decision);
/// Closes and renews what is due. Call when next_deadline() has come.
void expire(State& state, Time now, Decision& decision);
/// Has the endpoints mapped to the same port outside for the next minutes: call it every one. What can't be
/// had is an event each time.
void listen(State& state, std::span<const StaticPhone> wanted, Time now, Decision& decision);
/// Takes over what latches have let in (C5).
void learn(State& state, std::span<const LatchedSource> sources, Time now, Decision& decision);
/// The router's address has changed: everything that stands at the former one moves at once (C11). Each
/// `from` at most once.
void renumber(State& state, std::span<const AddressChange> moves, Time now, Decision& decision);

}  // namespace sipalg
