#include "alg/call/call_quota.hpp"

namespace sipalg::call {

namespace {

void count(Quota& quota, const Address& host, bool before, bool after) {
    if (after && !before) quota.more(host);
    if (before && !after) quota.fewer(host);
}

}  // namespace

CallQuota::Share CallQuota::of(const Call& call) {
    const bool answered = call.state == Call::State::confirmed || call.answered();
    return {true, call.first_peer(), call.caller == Side::outside && !answered, call.emergency};
}

void CallQuota::count(const Address& phone, const Share& before, const Share& after) {
    call::count(calls_, phone, before.open, after.open);
    call::count(unanswered_, phone, before.unanswered, after.unanswered);
    call::count(emergency_, phone, before.emergency, after.emergency);
    if (before.open == after.open && before.peer == after.peer) return;
    if (after.open) peers_.more(host_of(after.peer));
    if (before.open) peers_.fewer(host_of(before.peer));
}

// X7
bool CallQuota::have_room(const Address& phone, const Address& peer, Side caller) const {
    if (caller == Side::outside && !unanswered_.has_room(phone, policy_.max_unanswered_per_phone))
        return false;
    if (is_guaranteed(phone)) return true;
    return calls_.has_room(phone, policy_.max_calls_per_phone) &&
           peers_.has_room(host_of(peer), policy_.max_calls_per_peer);
}

// X7
bool CallQuota::have_emergency_room(const Address& phone) const {
    const std::size_t share = policy_.max_emergency_calls_per_phone;
    return emergency_.is_guaranteed(phone, share) ||
           (emergency_.total() < policy_.max_emergency_calls && emergency_.has_room(phone, share));
}

void CallQuota::commit() {
    calls_.commit();
    unanswered_.commit();
    emergency_.commit();
    peers_.commit();
}

void CallQuota::cancel() {
    calls_.cancel();
    unanswered_.cancel();
    emergency_.cancel();
    peers_.cancel();
}

}  // namespace sipalg::call
