// The table of calls: finds, makes, renews and closes them.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "alg/base/deadline_queue.hpp"
#include "alg/call/audio_check.hpp"
#include "alg/call/call.hpp"
#include "alg/call/call_quota.hpp"
#include "alg/call/call_table.hpp"
#include "alg/call/closed_calls.hpp"
#include "alg/call/follow.hpp"
#include "alg/call/resources.hpp"
#include "alg/call/unproven_calls.hpp"
#include "alg/kernel/effects.hpp"
#include "alg/kernel/record.hpp"
#include "alg/kernel/record_ids.hpp"
#include "alg/nat/proven_pairs.hpp"

namespace sipalg::call {

/// Changes are staged (law 4): commit() keeps them, cancel() takes them back.
class Calls {
  public:
    Calls(const Policy& policy, nat::Mappings& mappings, nat::ProvenPairs& proofs, RecordIds& record_ids,
          const Hosts& hosts)
        : policy_(policy),
          mappings_(mappings),
          proofs_(proofs),
          record_ids_(record_ids),
          resources_(policy, mappings),
          quota_(policy, hosts),
          unproven_(hosts) {}

    /// Whether follow() may use the message, so that its session description must be read.
    bool concerns(const sip::Message& message, const Address& phone) const;
    /// X7: whether an INVITE of the phone begins an emergency call that no limit refuses.
    bool begins_emergency(const sip::Message& message, const Address& phone) const;
    /// Applies the message to its call. An INVITE makes the call if there is none.
    void follow(const DescribedMessage& received, Effects& effects);

    /// X11: the peer has answered the phone for the first time: opens the pinholes that their calls wait for.
    void prove(const nat::PhonePeer& pair, Time now, Effects& effects);

    /// Handles the deadlines that have passed: renews and closes calls.
    void expire(Time now, Effects& effects);
    std::optional<Time> next_deadline() const;
    /// Closes calls at the owner's request: those for which `chosen` is true, at most `most`. Returns the
    /// number of closed calls.
    std::size_t close_chosen(const std::function<bool(const CallKey&)>& chosen, std::size_t most, Time now,
                             Effects& effects);
    /// For tests: the number of deadlines.
    std::size_t deadlines() const { return deadlines_.size(); }

    /// Whether a conntrack scan can now tell which side of some call is silent (O5).
    bool wants_audio_check(Time now) const {
        return !audio_checks_.empty() && audio_checks_.front().first <= now;
    }
    /// C6: whether a call is due to end for silence that only a scan of the whole table can confirm.
    bool wants_whole_scan() const { return wants_whole_scan_; }
    /// A scan that began at `begun` has ended. `whole`: of all flows; else media of a call may have been
    /// missed.
    void note_scan(Time begun, bool whole);
    /// Adds an event for each call with one-way media, once. The last scan began at `now`. Not staged.
    void check_audio(Time now, std::vector<Event>& events);
    /// The packet counts of conntrack scans.
    AudioCheck& audio() { return audio_; }
    const AudioCheck& audio() const { return audio_; }

    /// Restores a call of an earlier daemon from its record (A5). False: not the record of a call.
    [[nodiscard]] bool restore(const StoredRecord& record, Time now, Effects& effects);
    /// Notes that latches of an earlier daemon may still let in sources.
    void restore_latches(std::span<const StoredElement> elements, Time now) {
        resources_.latches().restore(elements, now);
    }

    /// Adds a pinhole for a source that a latch has let in to the calls that have this latch (C5).
    void add_latched(const LatchedSource& source, Time now, Effects& effects);
    /// Until when the kernel may add latched sources.
    Time latches_open_until() const { return resources_.latches().open_until(); }

    /// C11: follows the mappings to the router's new addresses. Call after nat::Mappings::renumber().
    void renumber(nat::Renumbering& renumbering, Time now, Effects& effects);

    /// Additions for the records of all calls, in their latest state; those for the kernel without the ones
    /// that are in notes. Precondition: nothing is staged.
    void list_records(RecordState wanted, Time now, std::vector<Change>& changes);

    const auto& all() const { return calls_; }
    /// The first leg with this Call-ID at the phone; nullptr: there is none.
    const Call* find(std::string_view call_id, const Address& phone) const {
        return calls_.first_leg(call_id, phone);
    }
    /// The same, or a closed call if none is open.
    const CallIdentity* find_identity(std::string_view call_id, const Address& phone) const;
    const ClosedCalls& closed() const { return closed_; }
    /// Calls of which no peer is proven (X11).
    std::size_t unproven() const { return unproven_.size(); }
    CallQuota::Use use() const { return quota_.use(); }
    /// Whether there may be a call whose messages are not rewritten.
    bool some_unmodified() const { return some_unmodified_; }
    /// Last time media of the call were seen.
    Time media_seen(const Call& call) const;
    /// When a confirmed call ends if no media arrive (C6); nullopt: its session timer decides.
    std::optional<Time> silent_until(const Call& call) const;

    void commit();
    void cancel();
    /// See State::shrink().
    void shrink() {
        calls_.shrink();
        unproven_.shrink();
        closed_.shrink();
        deadlines_.shrink();
    }

  private:
    bool has_room(const DescribedMessage& received);
    void make_room_for_unproven(Time now, Effects& effects);
    Outcome note_proof(const CallKey& key, Call& call, const DescribedMessage& received, Outcome outcome);
    bool changes_no_peer(const CallKeyView& key, const DescribedMessage& received) const;
    void drop_peers(const CallKey& key, Call& call, std::size_t most);
    struct Found {
        Call* call = nullptr;  ///< nullptr: none, and the message makes none
        /// Transactions of a closed call that the same INVITE begins again.
        SmallVector<Transaction, 1> former;
    };
    Found find_or_make(const CallKey& key, const DescribedMessage& received, Effects& effects);
    /// Ends the call: its key is free then.
    void end(const CallKey& key, Call& call, EndReason why, Time now, Effects& effects);
    /// The same, but keeps a ClosedCall for late messages.
    void close(const CallKey& key, Call& call, EndReason why, Time now, Effects& effects);
    void schedule(const CallKey& key, const Call& call, Time now);
    bool is_silence_certain(const Call& call) const;
    void check_audio_later(const CallKey& key, Call& call, Time now);
    void expire(const CallKey& key, Time now, Effects& effects);

    const Policy& policy_;
    nat::Mappings& mappings_;
    nat::ProvenPairs& proofs_;
    RecordIds& record_ids_;
    CallTable calls_;
    Resources resources_;
    CallQuota quota_;
    UnprovenCalls unproven_;
    AudioCheck audio_;
    Time whole_scan_{0};          ///< beginning of the last scan of the whole table
    bool scans_partial_ = false;  ///< some scan was not of the whole table
    bool wants_whole_scan_ = false;
    std::deque<std::pair<Time, CallKey>> audio_checks_;  ///< by the time of the check; each call at most once
    ClosedCalls closed_;
    DeadlineQueue<CallKey, CallKeyHash, CallKeyEqual> deadlines_;
    bool some_unmodified_ = false;
};

}  // namespace sipalg::call
