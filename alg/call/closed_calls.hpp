// Closed calls, kept for late messages.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "alg/base/deadline_queue.hpp"
#include "alg/base/shared_text.hpp"
#include "alg/base/small_vector.hpp"
#include "alg/base/staged_map.hpp"
#include "alg/call/call.hpp"
#include "alg/call/follow.hpp"
#include "alg/dialog/call_key.hpp"

namespace sipalg::call {

/// The data that is kept of an ended call, to distinguish retransmissions from an INVITE that begins the call
/// again, and to give late messages the same treatment.
struct ClosedCall : CallIdentity {
    explicit ClosedCall(const Call& call);

    struct Tags {
        SharedText local, remote;
    };
    SmallVector<Tags, 1> dialogs;
    bool answered = false;

    bool has_dialog(std::string_view local_tag, std::string_view remote_tag) const;
    /// Whether the message is an INVITE that begins a call in place of this one: with another From tag, with
    /// a later CSeq, or, if no answer came, in another transaction.
    bool is_begun_again_by(const DescribedMessage& received) const;
    /// Whether the message has the From tag and the CSeq of the INVITE that began this call.
    bool has_invite_of(const DescribedMessage& received) const;
};

/// Closed calls by their keys. They use no mappings, pinholes or records, are counted for no phone or peer,
/// and make room for open calls (X7). Changes are staged (law 4).
class ClosedCalls {
  public:
    void add(const CallKey& key, ClosedCall call, Time until);
    void erase(const CallKey& key);
    /// Removes the one that ends next. False: there is none.
    bool drop_oldest();
    /// Removes those whose time has passed, at most deadlines_at_once.
    void expire(Time now);

    const ClosedCall* find(const CallKeyView& key) const { return calls_.find(key); }
    std::size_t size() const { return calls_.size(); }
    std::optional<Time> next_deadline() const { return deadlines_.next(); }

    void commit();
    void cancel();
    void shrink() {
        calls_.shrink();
        deadlines_.shrink();
    }

  private:
    StagedMap<CallKey, ClosedCall, CallKeyHash, CallKeyEqual> calls_;
    DeadlineQueue<CallKey, CallKeyHash, CallKeyEqual> deadlines_;
};

}  // namespace sipalg::call
