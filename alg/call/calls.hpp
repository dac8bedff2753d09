// The table of calls: found, made, kept alive, closed; what they want open is brought in line with what is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "alg/base/deadline_queue.hpp"
#include "alg/base/staged_map.hpp"
#include "alg/call/audio_check.hpp"
#include "alg/call/call.hpp"
#include "alg/call/call_quota.hpp"
#include "alg/call/follow.hpp"
#include "alg/kernel/effects.hpp"

namespace sipalg::call {

class Calls {
  public:
    Calls(const Policy& policy, nat::Mappings& mappings)
        : policy_(policy), mappings_(mappings), shares_(policy) {}

    /// Whether follow() can have something to do with the message: then its session is worth reading.
    bool concerns(const sip::Message& message, const Address& phone) const;
    /// Applies the message to its call, which an INVITE makes if there is none.
    void follow(const DescribedMessage& received, std::uint32_t& next_record, Effects& effects);

    /// Renews and closes what is due.
    void expire(Time now, Effects& effects);
    std::optional<Time> next_deadline() const { return deadlines_.next(); }
    /// Closes calls at the owner's request: at most `most` of those that `chosen` names. Returns how many.
    std::size_t close_chosen(const std::function<bool(const CallKey&)>& chosen, std::size_t most, Time now,
                             Effects& effects);
    /// For tests: how many deadlines there are.
    std::size_t deadlines() const { return deadlines_.size(); }
    /// Some call has gone on for long enough that a sweep can tell who is silent.
    bool wants_listening(Time now) const { return !to_hear_.empty() && to_hear_.front().first <= now; }
    /// Of a sweep that began at `now`; not staged. A call is reported once.
    void listen(const AudioCheck& audibility, Time now, std::vector<Event>& events);

    /// Latches and what they have let in are looked after by learn(), as long as an earlier daemon's are
    /// there.
    void restore(std::span<const StoredElement> elements, Time now);
    /// Takes over a call of an earlier daemon from its record. False: unreadable.
    bool restore(std::uint32_t id, const std::string& record, Time until, Time now, Effects& effects);

    /// A latch has let somebody in: makes a pinhole of it for the calls that have such a latch.
    void learn(const LatchedSource& learned, Time now, Effects& effects);
    /// Until when the kernel may learn of somebody. Not staged: looking once too often does no harm.
    Time learning_until() const { return learning_until_; }
    void expect_learned(Time until) { learning_until_ = std::max(learning_until_, until + Time{1000}); }

    /// What the calls hold is elsewhere now: they go along (C11). Call after nat::Mappings::renumber().
    void renumber(nat::Renumbering& renumbering, Time now, Effects& effects);

    /// Additions for the records of all calls.
    void list_records(Time now, std::vector<Change>& changes) const;

    const auto& all() const { return calls_; }
    /// Some call may be one whose messages are not rewritten.
    bool some_unmodified() const { return some_unmodified_; }
    /// Last time media of the call were seen.
    Time media_seen(const Call& call) const;

    void commit();
    void cancel();

  private:
    bool is_closed(const CallKey& key) const;
    bool has_room(const DescribedMessage& received);
    Call* find_or_make(const DescribedMessage& received, std::uint32_t& next_record, Effects& effects);
    /// Holds what the call wants and does not hold yet, releases what it no longer wants, rewrites its
    /// record.
    void settle(const CallKey& key, Call& call, Time now, Effects& effects);
    Egress egress_of(const CallKey& key, const Call& call, const Address& inside) const;
    /// Who may send to the call's media (latches.cpp).
    MediaSource source_of(const CallKey& key, const Call& call) const;
    /// Adds the latch to those that the call is to have; `announced`: a description has just named a source.
    static void keep_latch(const Call& call, const Latch& latch, bool announced,
                           std::vector<CallLatch>& latches);
    /// Opens and closes what differs from what the call has.
    void set_latches(const CallKey& key, Call& call, std::vector<CallLatch> latches, Time now,
                     Effects& effects);
    void save(const CallKey& key, Call& call, Time now, Effects& effects);
    /// Its peers may name the phone as they did before, until `until`.
    void name_formerly(const Call& call, Time until);
    void follow_mappings(const CallKey& key, Call& call, const Egress& to, nat::Renumbering& renumbering,
                         Time now, Effects& effects);
    void close(const CallKey& key, Call& call, const char* why, Time now, Effects& effects);
    void schedule(const CallKey& key, const Call& call, Time now);
    void listen_later(const CallKey& key, Call& call, Time now);
    void expire(const CallKey& key, Time now, Effects& effects);
    Time lifetime(const Call& call, Time now) const;
    /// When a confirmed call has been without media for too long (C6); nullopt: its session timer tells.
    std::optional<Time> silent_until(const Call& call) const;

    const Policy& policy_;
    nat::Mappings& mappings_;
    StagedMap<CallKey, Call, CallKeyHash, CallKeyEqual> calls_;
    CallQuota shares_;
    StagedMap<Latch, std::vector<CallKey>, LatchHash> latches_;  ///< which calls have it
    std::deque<std::pair<Time, CallKey>> to_hear_;  ///< when a sweep can tell; each call at most once
    std::deque<CallKey> closed_;                    ///< oldest first; some are forgotten or alive again
    DeadlineQueue<CallKey, CallKeyHash, CallKeyEqual> deadlines_;
    Time learning_until_{0};
    bool some_unmodified_ = false;
};

/// The record of a call and back (record.cpp).
std::string write_record(const CallKey& key, const Call& call);
bool read_record(std::string_view bytes, CallKey& key, Call& call);

}  // namespace sipalg::call
