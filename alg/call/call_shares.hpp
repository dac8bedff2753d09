// Whose the calls are, so that nobody can use up what is there for all (X7).
#pragma once

#include <cstddef>

#include "alg/address.hpp"
#include "alg/call/call.hpp"
#include "alg/call/per_phone.hpp"
#include "alg/policy.hpp"

namespace sipalg::call {

/// Counts the open calls of each phone and of each peer. Of a phone's share some is kept for what it does
/// itself: whoever calls it without end can't keep it from calling.
class CallShares {
  public:
    explicit CallShares(const Policy& policy) : policy_(policy) {}

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
    PerPhone calls_, unanswered_;
    PerPeer peers_;
};

}  // namespace sipalg::call
