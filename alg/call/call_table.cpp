#include "alg/call/call_table.hpp"

#include <cstdint>
#include <optional>

namespace sipalg::call {

const Call* CallTable::first_leg(std::string_view call_id, const Address& phone) const {
    const Call* first = find(CallKeyView{call_id, phone});
    for (std::uint8_t leg = 1; !first && some_legs_ && leg < max_legs; ++leg)
        first = find(CallKeyView{call_id, phone, leg});
    return first;
}

// C1: a leg is identified by the tags of its dialogs, or, before the far end has set its own, by the side and
// the tag that began it. So forks stay in one call. An INVITE that fits no leg takes the place of a closed
// one, or begins another.
CallKeyView CallTable::leg_of(const DescribedMessage& received, const ClosedCalls& closed) const {
    const sip::Message& message = received.message;
    const CallKeyView first{message.call_id(), received.phone, 0};
    const bool begins =
        message.is_request() && message.method() == sip::Method::invite && message.to_tag().empty();
    if (!some_legs_ && (!begins || (!contains(first) && !closed.find(first)))) return first;
    std::optional<CallKeyView> begun, replaceable, free;
    for (std::uint8_t leg = 0; leg < max_legs; ++leg) {
        const CallKeyView key{first.call_id, first.phone, leg};
        const Call* call = find(key);
        const ClosedCall* past = call ? nullptr : closed.find(key);
        const CallIdentity* identity = call;
        if (past) identity = past;
        if (!identity) {
            if (!free) free = key;
            continue;
        }
        const std::string_view local = received.local_tag(), remote = received.remote_tag();
        if (!begins && (call ? call->dialog(local, remote) != nullptr : past->has_dialog(local, remote)))
            return key;
        if (identity->is_begun_by(received.requester(), message.from_tag())) {
            if (!begun || !contains(*begun)) begun = key;
        } else if (past && !replaceable) {
            replaceable = key;
        }
    }
    if (begun) return *begun;
    if (!begins) return first;
    return replaceable ? *replaceable : free.value_or(first);
}

}  // namespace sipalg::call
