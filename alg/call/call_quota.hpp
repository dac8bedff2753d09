// Counts the open calls of each phone and peer (X7).
#pragma once

#include <cstddef>

#include "alg/base/quota.hpp"
#include "alg/call/call.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::call {

/// No phone or peer can use up the table of calls. A part of a phone's share is reserved for its own calls,
/// so that a flood of calls from outside does not keep it from calling. Changes are staged (law 4).
class CallQuota {
  public:
    explicit CallQuota(const Policy& policy) : policy_(policy) {}

    /// The properties of a call that decide how it is counted.
    struct Share {
        bool open = false;
        Address peer;
        bool unanswered = false;  ///< it came from outside, and the phone has not answered it
    };
    static Share of(const Call& call);
    void count(const Address& phone, const Share& before, const Share& after);

    bool have_room(const Address& phone, const Address& peer, Side caller) const;

    void commit();
    void cancel();

  private:
    const Policy& policy_;
    Quota calls_, unanswered_;
    Quota peers_;
};

}  // namespace sipalg::call
