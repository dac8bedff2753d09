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

// C1: a leg is known by the tags of its dialogs, or, before the far end has set its own, by the side and the
// tag that began it. So forks stay in one call. An INVITE that fits no leg takes the place of a closed one,
// or begins another.
CallKeyView CallTable::leg_of(const DescribedMessage& received) const {
    const sip::Message& message = received.message;
    const CallKeyView first{message.call_id(), received.phone, 0};
    const bool begins =
        message.is_request() && message.method() == sip::Method::invite && message.to_tag().empty();
    if (!some_legs_ && (!begins || !contains(first))) return first;
    std::optional<CallKeyView> begun, closed, free;
    for (std::uint8_t leg = 0; leg < max_legs; ++leg) {
        const CallKeyView key{first.call_id, first.phone, leg};
        const Call* call = find(key);
        if (!call) {
            if (!free) free = key;
        } else if (!begins && call->dialog(received.local_tag(), received.remote_tag())) {
            return key;
        } else if (call->is_begun_by(received.requester(), message.from_tag())) {
            if (!begun || find(*begun)->state == Call::State::closing) begun = key;
        } else if (call->state == Call::State::closing && !closed) {
            closed = key;
        }
    }
    if (begun) return *begun;
    if (!begins) return first;
    return closed ? *closed : free.value_or(first);
}

bool CallTable::is_closed(const CallKey& key) const {
    const Call* call = find(key);
    return call && call->state == Call::State::closing;
}

}  // namespace sipalg::call
