// The calls by their keys; finds the leg that a message belongs to (C1).
#pragma once

#include <string_view>
#include <utility>

#include "alg/base/staged_map.hpp"
#include "alg/call/call.hpp"
#include "alg/call/closed_calls.hpp"
#include "alg/call/follow.hpp"
#include "alg/dialog/call_key.hpp"

namespace sipalg::call {

/// Changes are staged (law 4).
class CallTable : private StagedMap<CallKey, Call, CallKeyHash, CallKeyEqual> {
  public:
    using StagedMap::begin;
    using StagedMap::cancel;
    using StagedMap::commit;
    using StagedMap::contains;
    using StagedMap::edit;
    using StagedMap::end;
    using StagedMap::erase;
    using StagedMap::find;
    using StagedMap::key_of;
    using StagedMap::shrink;
    using StagedMap::size;

    /// Adds a call or replaces it.
    Call& put(const CallKey& key, Call call) {
        some_legs_ = some_legs_ || key.leg > 0;
        return StagedMap::put(key, std::move(call));
    }
    /// The first leg with this Call-ID at the phone; nullptr: there is none.
    const Call* first_leg(std::string_view call_id, const Address& phone) const;
    /// The key of the leg that the message belongs to, or of the one that it may begin.
    CallKeyView leg_of(const DescribedMessage& received, const ClosedCalls& closed) const;
    /// Whether there may be calls with several legs.
    bool some_legs() const { return some_legs_; }

  private:
    bool some_legs_ = false;
};

}  // namespace sipalg::call
