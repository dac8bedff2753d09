// The TCP connections that are read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "alg/base/deadline_queue.hpp"
#include "alg/core/decision.hpp"
#include "alg/core/flow_list.hpp"
#include "alg/policy/policy.hpp"
#include "alg/tcp/connection.hpp"

namespace sipalg {
struct State;
}

namespace sipalg::tcp {

/// A connection is read from its SYN, or not at all. A segment goes through three steps: arrive() reads what
/// messages it completes and stages what they mean; the kernel takes that or not; conclude() then says what
/// becomes of the packet and of those that have waited for it. Before conclude() nothing is sent, and
/// arrive() can be taken back.
class Connections {
  public:
    explicit Connections(const Policy& policy) : policy_(policy) {}

    void arrive(State& state, const Arrival& arrival, const Packet& packet, Time now, Decision& decision);
    void conclude(const Arrival& arrival, bool in_force, Time now, Decision& decision);

    /// Acknowledges on behalf, gives up waiting, forgets what is over.
    void expire(State& state, Time now, Decision& decision);
    std::optional<Time> next_deadline() const { return deadlines_.next(); }

    /// Resets every connection whose bytes have moved.
    void end_shifted(Time now, Decision& decision);

    /// False: no record of a connection.
    bool restore(State& state, std::uint32_t id, const std::string& record, Time now,
                 std::vector<Change>& changes);
    /// Additions for everything that the kernel should hold.
    void list(std::vector<Change>& changes) const;

    const auto& all() const { return flows_; }
    /// nullptr: it is not read.
    const Connection* find(const FlowKey& key) const {
        const auto it = key.transport == Transport::tcp ? flows_.find({key.phone, key.peer}) : flows_.end();
        return it == flows_.end() || it->second.unmodified ? nullptr : &it->second;
    }
    void commit();
    void cancel();

  private:
    /// What arrive() has found out for conclude().
    struct Step {
        enum class Kind : std::uint8_t { none, syn, data, reset, lost, unmodified, pass, drop };
        Kind kind = Kind::none;
        ConnectionKey key;
        Carrier carrier;
        bool fresh = false;  ///< a SYN that begins a connection, known from conclude() on
        Connection flow;     ///< of that
    };

    Connection* find(const ConnectionKey& key);
    bool arrive_syn(State& state, const Arrival& arrival, const Segment& segment, Connection* flow, Time now,
                    Decision& decision);
    bool begin(State& state, const Arrival& arrival, const Segment& segment, Time now, Decision& decision);
    void answer(Connection& flow, Side from, const Segment& segment);
    bool note_acknowledgement(Connection& flow, Side from, const Segment& segment);
    bool read(State& state, const Arrival& arrival, Connection& flow, Time now, Decision& decision);
    bool read_message(State& state, const Arrival& arrival, const Direction::Read& read, Direction& half,
                      Time now, Decision& decision);
    void store(State& state, Connection& flow, Time now, std::vector<Change>& changes);
    void conclude_data(Connection& flow, Side from, bool in_force, Time now, std::vector<Output>& outputs);
    void leave_untouched(Connection& flow, Time now, std::vector<Output>& outputs);
    void refuse(Connection& flow, Time now, std::vector<Output>& outputs);
    void end(State& state, Connection& flow, Time now, std::vector<Change>& changes);
    void conclude_taking_over(bool in_force, Time now, std::vector<Output>& outputs);
    void give_up_or_take_over(State& state, Connection& flow, Time now, Decision& decision);
    void attend(State& state, Connection& flow, Time now, Decision& decision);
    void schedule(Connection& flow, Time now);
    void weigh(Connection& flow);

    const Policy& policy_;
    std::unordered_map<ConnectionKey, Connection, ConnectionKeyHash> flows_;
    std::unordered_map<Address, std::size_t> per_phone_;
    DeadlineQueue<ConnectionKey> deadlines_;
    std::size_t memory_ = 0, held_ = 0;  ///< of all connections
    std::vector<ConnectionKey> taking_over_;
    std::vector<ConnectionKey> ended_;  ///< to be forgotten once the kernel has forgotten them
    std::vector<std::uint64_t>
        orphans_;  ///< what has waited in connections that others have taken the place of
    Step step_;
};

}  // namespace sipalg::tcp
