#include "alg/nat/nat_handling.hpp"

#include "alg/policy/timing.hpp"

namespace sipalg::nat {

bool NatHandling::note(const PhonePeer& pair, NatHandler handler, Time now, std::string_view registration) {
    if (registration.size() > max_registration) registration = {};
    const Entry* known = entries_.find(pair);
    if (known && (known->handler == handler || known->handler == NatHandler::peer)) {
        if (!registration.empty() && known->registration != registration)
            entries_.edit(pair)->registration = registration;
        refresh(pair, now);
        return false;
    }
    if (!known) {
        if (entries_.size() >= limits_.max_nat_handling ||
            per_phone_.of(pair.phone) >= limits_.max_nat_handling_per_phone)
            return false;
        per_phone_.more(pair.phone);
        entries_.put(pair, {});
    }
    Entry& entry = *entries_.edit(pair);
    entry.handler = handler;
    entry.registration = registration;
    entry.until = now + idle;
    deadlines_.schedule(pair, entry.until);
    return true;
}

bool NatHandling::is_to_prove(const PhonePeer& pair, std::string_view registration) const {
    const Entry* entry = entries_.find(pair);
    return entry && entry->handler == NatHandler::peer && !entry->registration.empty() &&
           entry->registration != registration;
}

void NatHandling::refresh(const PhonePeer& pair, Time now) {
    const Entry* known = entries_.find(pair);
    if (!known || known->until - now >= idle / 2) return;
    entries_.edit(pair)->until = now + idle;
    deadlines_.schedule(pair, now + idle);
}

void NatHandling::forget(const PhonePeer& pair) {
    if (!entries_.contains(pair)) return;
    entries_.erase(pair);
    deadlines_.erase(pair);
    per_phone_.fewer(pair.phone);
}

void NatHandling::expire(Time now, const std::function<bool(const PhonePeer&)>& is_registered) {
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto pair = deadlines_.take_due(now);
        if (!pair) return;
        if (!is_registered(*pair)) {
            forget(*pair);
            continue;
        }
        entries_.edit(*pair)->until = now + idle;
        deadlines_.schedule(*pair, now + idle);
    }
}

void NatHandling::commit() {
    entries_.commit();
    per_phone_.commit();
    deadlines_.commit();
}

void NatHandling::cancel() {
    entries_.cancel();
    per_phone_.cancel();
    deadlines_.cancel();
}

}  // namespace sipalg::nat
