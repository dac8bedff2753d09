// The TCP connections that are read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "alg/call/deadlines.hpp"
#include "alg/flows.hpp"
#include "alg/inspect.hpp"
#include "alg/policy.hpp"
#include "alg/stream/flow.hpp"

namespace sipalg::stream {

/// A connection is read from its SYN, or not at all. A segment goes through three steps: arrive() reads what
/// messages it completes and stages what they mean; the kernel takes that or not; conclude() then says what
/// becomes of the packet and of those that have waited for it. Before conclude() nothing is sent, and
/// arrive() can be taken back.
class Streams {
  public:
    explicit Streams(const Policy& policy) : policy_(policy) {}

    void arrive(State::Impl& state, const Arrival& arrival, const Packet& packet, Time now,
                Decision& decision);
    void conclude(const Arrival& arrival, bool in_force, Time now, Decision& decision);

    /// Acknowledges on behalf, gives up waiting, forgets what is over.
    void expire(State::Impl& state, Time now, Decision& decision);
    std::optional<Time> next_deadline() const { return deadlines_.next(); }

    /// Resets every connection whose bytes have moved.
    void end_shifted(Time now, Decision& decision);

    /// False: no record of a connection.
    bool restore(State::Impl& state, std::uint32_t id, const std::string& record, Time now,
                 std::vector<Change>& changes);
    /// Additions for everything that the kernel should hold.
    void list(std::vector<Change>& changes) const;

    const auto& all() const { return flows_; }
    /// nullptr: it is not read.
    const Flow* find(const sipalg::FlowKey& key) const {
        const auto it = key.transport == Transport::tcp ? flows_.find({key.phone, key.peer}) : flows_.end();
        return it == flows_.end() || it->second.untouched ? nullptr : &it->second;
    }
    void commit();
    void cancel();

  private:
    /// What arrive() has found out for conclude().
    struct Step {
        enum class Kind : std::uint8_t { none, syn, data, reset, lost, untouched, pass, drop };
        Kind kind = Kind::none;
        FlowKey key;
        Carrier carrier;
        bool fresh = false;  ///< a SYN that begins a connection, known from conclude() on
        Flow flow;           ///< of that
    };

    Flow* find(const FlowKey& key);
    bool arrive_syn(State::Impl& state, const Arrival& arrival, const Segment& segment, Flow* flow, Time now,
                    Decision& decision);
    bool begin(State::Impl& state, const Arrival& arrival, const Segment& segment, Time now,
               Decision& decision);
    void answer(Flow& flow, Side from, const Segment& segment);
    bool note_acknowledgement(Flow& flow, Side from, const Segment& segment);
    bool read(State::Impl& state, const Arrival& arrival, Flow& flow, Time now, Decision& decision);
    bool read_message(State::Impl& state, const Arrival& arrival, const Half::Read& read, Half& half,
                      Time now, Decision& decision);
    void store(State::Impl& state, Flow& flow, Time now, std::vector<Change>& changes);
    void conclude_data(Flow& flow, Side from, bool in_force, Time now, std::vector<Parcel>& parcels);
    void leave_untouched(Flow& flow, Time now, std::vector<Parcel>& parcels);
    void refuse(Flow& flow, Time now, std::vector<Parcel>& parcels);
    void end(State::Impl& state, Flow& flow, Time now, std::vector<Change>& changes);
    void conclude_taking_over(bool in_force, Time now, std::vector<Parcel>& parcels);
    void give_up_or_take_over(State::Impl& state, Flow& flow, Time now, Decision& decision);
    void attend(State::Impl& state, Flow& flow, Time now, Decision& decision);
    void schedule(Flow& flow, Time now);
    void weigh(Flow& flow);

    const Policy& policy_;
    std::unordered_map<FlowKey, Flow, FlowKeyHash> flows_;
    std::unordered_map<Address, std::size_t> per_phone_;
    call::Deadlines<FlowKey> deadlines_;
    std::size_t memory_ = 0, held_ = 0;  ///< of all connections
    std::vector<FlowKey> taking_over_;
    std::vector<FlowKey> ended_;  ///< to be forgotten once the kernel has forgotten them
    std::vector<std::uint64_t>
        orphans_;  ///< what has waited in connections that others have taken the place of
    Step step_;
};

}  // namespace sipalg::stream
