// Counts the open calls of each phone and peer (X7).
#pragma once

#include <cstddef>

#include "alg/base/quota.hpp"
#include "alg/call/call.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::call {

/// No phone or peer can use up the table of calls. A part of a phone's share is reserved for its own calls,
/// so that a flood of calls from outside does not prevent it from calling. Emergency calls have a reserve in
/// addition to the table. Changes are staged (law 4).
class CallQuota {
  public:
    CallQuota(const Policy& policy, const Hosts& hosts)
        : policy_(policy), calls_(hosts), unanswered_(hosts), emergency_(hosts) {}

    /// The properties of a call that decide how it is counted.
    struct Share {
        bool open = false;
        Address peer;
        bool unanswered = false;  ///< it came from outside, and the phone has not answered it
        bool emergency = false;   ///< it was let in by have_emergency_room()
    };
    static Share of(const Call& call);
    void count(const Address& phone, const Share& before, const Share& after);

    bool have_room(const Address& phone, const Address& peer, Side caller) const;
    /// Whether the phone may make one more emergency call, regardless of other limits. A proven phone may
    /// always have one.
    bool have_emergency_room(const Address& phone) const;
    /// Whether the phone may use the part of the total that is reserved for proven phones.
    bool is_guaranteed(const Address& phone) const {
        return calls_.is_guaranteed(phone, policy_.max_calls_per_phone);
    }

    /// The use of the limits, for reports: by the phone or peer with the most, and by emergency calls.
    struct Use {
        std::size_t of_phone = 0, of_peer = 0, unanswered = 0, emergency = 0, emergency_of_phone = 0;
    };
    Use use() const {
        return {calls_.largest(), peers_.largest(), unanswered_.largest(), emergency_.total(),
                emergency_.largest()};
    }

    void commit();
    void cancel();

  private:
    const Policy& policy_;
    Quota calls_, unanswered_, emergency_;
    Quota peers_;
};

}  // namespace sipalg::call
