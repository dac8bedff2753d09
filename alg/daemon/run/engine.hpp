// From packet to verdict: the core decides, the kernel is told, then the word leaves.
//
// Theory of operation. The core stages what a message would change. The kernel takes it or does not, as one
// transaction, before the message goes on (law 1: the hole is open before the word is sent). If it does, the
// staged state is committed and the rewritten message leaves; if not, it is cancelled and the message leaves
// as it came, as it would on a router without ALG. The same for what time brings: expire() instead of
// inspect().
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "alg/core/static_phones.hpp"
#include "alg/daemon/run/log.hpp"
#include "alg/daemon/run/observer.hpp"

namespace sipalg::daemon {

/// What the engine asks of the kernel.
class Kernel {
  public:
    virtual ~Kernel() = default;
    /// Deletes conntrack entries. Throws std::exception when the kernel can't be asked.
    virtual void erase(std::span<const ConntrackTuple> flows) = 0;
    /// One transaction; the kernel's refusal, or nullopt when all is in force. Throws as erase() does.
    virtual std::optional<std::string> apply(std::span<const Change> changes) = 0;
};

/// What becomes of a packet.
struct Action {
    enum class Kind : std::uint8_t {
        pass,     ///< the original
        replace,  ///< by `packet`
        drop,
        scan_first,  ///< not decided: sweep conntrack and come again with Arrival::scanned
        hold,        ///< not yet: a later output names its token
    };
    Kind kind = Kind::pass;
    Bytes packet;  ///< valid until the engine's next packet
};

/// Messages by what became of them.
using Counters = std::array<std::uint64_t, reason_count>;

class Engine {
  public:
    /// What becomes of packets that were held, and packets of our own.
    using Emit = std::function<void(const Output&)>;
    Engine(State& state, Kernel& kernel, const Policy& policy = {}, Emit emit = {})
        : state_(state), kernel_(kernel), emit_(std::move(emit)), observer_(policy) {}

    /// Decides over a packet and puts the decision into force. An arrival that knows of its sweep is never
    /// sent for another. `longest` is the most a verdict can carry. Never throws for what a packet or the
    /// kernel does.
    Action handle(const Arrival& arrival, Time now, std::size_t longest);
    /// One line each, not too many.
    void log(std::span<const Event> events, Time now);

    /// A packet that never was looked at (it came incomplete).
    void count(Reason reason) { ++counters_[static_cast<std::size_t>(reason)]; }

    /// Does what is due. Returns when there is something to do again; nullopt: when a packet brings it.
    std::optional<Time> advance(Time now);
    /// Where anything stands, also of what is only observed; sorted.
    std::vector<Egress> egresses() const;
    /// The router's address has changed: moves what stands at the former one, as one transaction (C11).
    /// False: the kernel refused, nothing has moved.
    bool renumber(std::span<const AddressChange> moves, Time now);
    /// Makes pinholes of what latches have let in (C5).
    void note_latched(std::span<const LatchedSource> sources, Time now);
    /// Ends the TCP connections that could not go on without us (T4).
    void end_connections(Time now);
    /// Has phones' endpoints reachable for the next minutes (N3). Returns which of them can't be had.
    std::vector<Event> map_static_phones(std::span<const StaticPhone> wanted, Time now);
    /// Takes over what is in the kernel (A5). Call once, before the first packet.
    /// `advertised`: see State::restore().
    void restore(std::span<const StoredElement> elements, const State::Advertised& advertised, Time now);

    /// What is only watched (O7).
    Observer& observer() { return observer_; }
    const Counters& counters() const { return counters_; }

  private:
    Action observe(const Arrival& arrival, Time now);
    void log(std::span<const Event> events, const char* before, Time now);
    std::optional<Time> advance_kernel(Time now);
    bool build_packet(const Arrival& arrival, std::size_t longest);
    /// `otherwise`: what follows from a refusal, for the log.
    bool put_in_force(Time now, const char* otherwise);
    void erase_ended();
    Action conclude_stream(const Arrival& arrival, bool in_force, Time now);
    void emit_all();
    void log_refusal(const std::string& refusal, const char* otherwise, Time now);

    State& state_;
    Kernel& kernel_;
    Emit emit_;
    Observer observer_;
    Decision decision_;                 ///< used again for every packet, so that its buffers are
    std::vector<std::uint8_t> packet_;  ///< the packet in which the payload was replaced
    Counters counters_{};
    Time retry_{0};  ///< after a refusal, advance() waits until then
    RateLimit events_limit_{200, 50};
    RateLimit refusals_limit_{5, 1};
};

}  // namespace sipalg::daemon
