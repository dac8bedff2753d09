#include "alg/call/call_quota.hpp"

namespace sipalg::call {

CallQuota::Share CallQuota::of(const Call& call) {
    if (call.state == Call::State::closing) return {};
    const bool answered = call.state == Call::State::confirmed || call.answered();
    return {true, call.first_peer(), call.caller == Side::outside && !answered};
}

void CallQuota::count(const Address& phone, const Share& before, const Share& after) {
    if (after.open && !before.open) calls_.more(phone);
    if (before.open && !after.open) calls_.fewer(phone);
    if (after.unanswered && !before.unanswered) unanswered_.more(phone);
    if (before.unanswered && !after.unanswered) unanswered_.fewer(phone);
    if (before.open == after.open && before.peer == after.peer) return;
    if (after.open) peers_.more(after.peer);
    if (before.open) peers_.fewer(before.peer);
}

bool CallQuota::have_room(const Address& phone, const Address& peer, Side caller) const {
    return calls_.of(phone) < policy_.max_calls_per_phone && peers_.of(peer) < policy_.max_calls_per_peer &&
           (caller == Side::inside || unanswered_.of(phone) < policy_.max_unanswered_per_phone);
}

void CallQuota::commit() {
    calls_.commit();
    unanswered_.commit();
    peers_.commit();
}

void CallQuota::cancel() {
    calls_.cancel();
    unanswered_.cancel();
    peers_.cancel();
}

}  // namespace sipalg::call
