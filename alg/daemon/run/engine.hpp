// From packet to verdict: the core decides, the kernel gets the changes, then the message leaves.
//
// Theory of operation. The core stages the changes that a message makes. They go to the kernel as one
// transaction before the message leaves (law 1: the pinhole is open before the message that announces it is
// sent). If the kernel accepts them, the staged state is committed and the rewritten message leaves (law 4).
// If not, the state is cancelled and the message leaves unmodified, as on a router without ALG. Deadlines
// work the same way, with expire() in place of inspect(). Packets that wait in the queue together are decided
// one after the other, and their changes are one transaction (group.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alg/base/result.hpp"
#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "alg/core/static_phones.hpp"
#include "alg/daemon/run/event_log.hpp"
#include "alg/daemon/run/fact_feed.hpp"
#include "alg/daemon/run/group.hpp"
#include "alg/daemon/run/history.hpp"
#include "alg/daemon/run/observer.hpp"
#include "alg/daemon/run/rate_limit.hpp"

namespace sipalg::daemon {

/// The interface from the engine to the kernel.
class Kernel {
  public:
    virtual ~Kernel() = default;
    /// Deletes conntrack entries. Throws std::exception when the kernel can't be asked.
    virtual void erase(std::span<const ConntrackTuple> flows) = 0;
    /// One transaction: on success all changes are in force, otherwise none, and the error is the kernel's
    /// refusal. Throws as erase() does.
    virtual Result<> apply(std::span<const Change> changes) = 0;
    /// The answer to a question of the core; nullopt: the kernel knows no such flow. Throws as erase() does.
    virtual std::optional<std::uint16_t> inside_port(const PortQuestion& question) = 0;
};

/// The decision about a packet.
struct Action {
    enum class Kind : std::uint8_t {
        pass,     ///< accept the original
        replace,  ///< accept `packet` in its place
        drop,
        wait,  ///< not decided, or not in force yet: a later Output has its token
    };
    Kind kind = Kind::pass;
    Bytes packet;  ///< valid until the engine's next packet
};

/// Numbers of messages by outcome.
using Counters = std::array<std::uint64_t, reason_count>;

class Engine {
  public:
    /// Receives the decisions about queued segments, and packets of the daemon's own.
    using Emit = std::function<void(const Output&)>;
    Engine(State& state, Kernel& kernel, const Policy& policy = {}, Emit emit = {})
        : state_(state), kernel_(kernel), emit_(std::move(emit)), observer_(policy) {}

    /// Decides about a packet and puts the decision into force. `longest`: bytes of the longest packet that a
    /// verdict can carry. Never throws.
    Action handle(const Arrival& arrival, Time now, std::size_t longest);
    /// As handle(), but packets that wait together may share one transaction (P4). In that case the result is
    /// `wait`, the bytes must live until settle(), and no other function may be called before it. Does not
    /// throw.
    Action gather(const Arrival& arrival, Time now, std::size_t longest);
    /// Puts the decisions of gather() into force and emits the verdicts. If the kernel refuses, decides again
    /// about each packet alone. Does not throw.
    void settle(Time now);
    /// Logs one line for each event, within the rate limit (O4).
    void log(std::span<const Event> events, Time now);

    /// Counts a packet that arrived incomplete and was not passed to handle().
    void count(Reason reason) { ++counters_[static_cast<std::size_t>(reason)]; }

    /// Handles the deadlines that have passed. Returns the next deadline; nullopt: none until the next
    /// packet.
    std::optional<Time> advance(Time now);
    /// The addresses in use, including those of observed phones, sorted.
    std::vector<Egress> egresses() const;
    /// Moves everything at the router's old addresses to the new ones, as one transaction (C11). False: the
    /// kernel refused, and nothing has moved.
    bool renumber(std::span<const AddressChange> moves, Time now);
    /// X12: the ports that the owner forwards from now on. Mappings of other hosts leave them. False: the
    /// kernel refused that.
    bool set_forwards(const std::vector<PortForward>& forwards, Time now);
    /// Makes pinholes for the sources that latches have let in (C5).
    void note_latched(std::span<const LatchedSource> sources, Time now);
    /// Resets the TCP connections with translated sequence numbers, which need the daemon (T4).
    void end_connections(Time now);
    /// Closes the chosen calls at the owner's request, with their media. Returns the number of closed calls,
    /// which is lower than requested if the kernel refuses.
    std::size_t close_calls(const CallChoice& chosen, Time now);
    /// Makes endpoints of phones reachable for the next minutes (N3). Returns an event for each one that
    /// can't be mapped.
    std::vector<Event> map_static_phones(std::span<const StaticPhone> wanted, Time now);
    /// Restores the state from the kernel's tables (A5). Call once, before the first packet.
    /// `advertised`: see State::restore().
    void restore(std::span<const StoredElement> elements, const State::Advertised& advertised, Time now);
    /// All elements that the kernel should have now, as additions: State::elements() and the clock record.
    std::vector<Change> elements(Time now, RecordState records = RecordState::in_kernel);

    /// Puts facts into `feed`, which must outlive the engine.
    void set_feed(FactFeed& feed) { feed_ = &feed; }
    /// Which facts the feed takes from now on.
    void set_interest(facts::Interest interest);

    /// The state of phones and peers in mode observe (O7).
    Observer& observer() { return observer_; }
    const Counters& counters() const { return counters_; }
    /// The calls that have ended (O9).
    History& history() { return history_; }
    /// Whether telephone numbers are masked in the log and the history.
    void mask_numbers(bool mask);

  private:
    Action observe(const Arrival& arrival, Time now);
    void inspect(const Arrival& arrival, Time now);
    void log(std::span<const Event> events, const char* before, Time now);
    void log_messages(std::span<const SeenMessage> seen, const char* before) const;
    std::optional<Time> advance_kernel(Time now);
    void explain_if_read();
    void tell_refused(Reason reason, Time now);
    void renew_clock(Time now);
    static bool build_packet(const Arrival& arrival, const Decision& decision, std::size_t longest,
                             std::vector<std::uint8_t>& packet);
    /// `otherwise`: the consequence of a refusal, for the log.
    bool put_in_force(Time now, const char* otherwise);
    void announce(Decision& decision, Time now);
    void erase_ended(std::span<const ConntrackTuple> ended);
    bool decide(Group::Member& member, Time now);
    bool apply_group();
    void finish(Group::Member& member, Time now);
    void settle_again(Time now);
    void handle_each(Time now);
    Action conclude_stream(const Arrival& arrival, bool in_force, Time now);
    void count_stream(const Decision& decision, bool in_force);
    Action take_outputs(Decision& decision, const Arrival& arrival);
    void emit(Group::Member& member);
    void emit_all();
    void log_refusal(const std::string& refusal, const char* otherwise, Time now);

    State& state_;
    Kernel& kernel_;
    Emit emit_;
    Observer observer_;
    FactFeed* feed_ = nullptr;
    Decision decision_;                 ///< reused for every packet, so that its buffers are allocated once
    std::vector<std::uint8_t> packet_;  ///< the packet in which the payload was replaced
    Group group_;
    Counters counters_{};
    Time retry_{0};                   ///< after a refusal, advance() does nothing before this time
    std::optional<Time> next_clock_;  ///< when to renew the clock record; none before restore()
    EventLog event_log_;
    History history_;
    bool mask_numbers_ = false;
    RateLimit refusals_limit_{5, 1};
};

}  // namespace sipalg::daemon
