#include "alg/call/closed_calls.hpp"

#include <algorithm>
#include <utility>

#include "alg/policy/timing.hpp"

namespace sipalg::call {

ClosedCall::ClosedCall(const Call& call) : CallIdentity(call), answered(call.answered()) {
    dialogs.reserve(call.dialogs.size());
    for (const Dialog& dialog : call.dialogs)
        dialogs.push_back({dialog.local_tag, dialog.remote_tag});
}

bool ClosedCall::has_dialog(std::string_view local_tag, std::string_view remote_tag) const {
    return std::any_of(dialogs.begin(), dialogs.end(), [&](const Tags& tags) {
        return tags.local == local_tag && tags.remote == remote_tag;
    });
}

bool ClosedCall::has_invite_of(const DescribedMessage& received) const {
    return received.message.from_tag() == caller_tag && invite.cseq == received.message.cseq().number &&
           !invite.transactions.empty();
}

bool ClosedCall::is_begun_again_by(const DescribedMessage& received) const {
    const sip::Message& message = received.message;
    if (!message.is_request() || message.method() != sip::Method::invite || !message.to_tag().empty())
        return false;
    if (message.from_tag() != caller_tag || invite.transactions.empty()) return true;
    if (message.cseq().number != invite.cseq) return message.cseq().number > invite.cseq;
    return !answered && !invite.transaction(received.branch()) &&
           invite.transactions.size() < max_transactions;
}

void ClosedCalls::add(const CallKey& key, ClosedCall call, Time until) {
    calls_.put(key, std::move(call));
    deadlines_.schedule(key, until);
}

void ClosedCalls::erase(const CallKey& key) {
    calls_.erase(key);
    deadlines_.erase(key);
}

bool ClosedCalls::drop_oldest() {
    const auto key = deadlines_.take_due(Time::max());
    if (key) calls_.erase(*key);
    return key.has_value();
}

void ClosedCalls::expire(Time now) {
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto key = deadlines_.take_due(now);
        if (!key) return;
        calls_.erase(*key);
    }
}

void ClosedCalls::commit() {
    calls_.commit();
    deadlines_.commit();
}

void ClosedCalls::cancel() {
    calls_.cancel();
    deadlines_.cancel();
}

}  // namespace sipalg::call
