// Whose the calls are, so that nobody can use up what is there for all (X7).
#pragma once

#include <cstddef>

#include "alg/base/quota.hpp"
#include "alg/call/call.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::call {

/// Counts the open calls of each phone and of each peer. Of a phone's share some is kept for what it does
/// itself: whoever calls it without end can't keep it from calling.
class CallQuota {
  public:
    explicit CallQuota(const Policy& policy) : policy_(policy) {}

    /// What a call counts for.
    struct Share {
        bool open = false;
        Address peer;
        bool unanswered = false;  ///< it came from outside, and the phone has not taken it
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
