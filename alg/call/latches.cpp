#include "alg/call/latches.hpp"

#include <utility>
#include <variant>

#include "alg/kernel/change.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::call {

namespace {

bool has(const std::vector<CallLatch>& latches, const Latch& latch) {
    return std::any_of(latches.begin(), latches.end(),
                       [&](const CallLatch& one) { return one.latch == latch; });
}

}  // namespace

void Latches::set(const CallKey& key, Call& call, std::vector<CallLatch> latches, Time now,
                  std::vector<Change>& changes) {
    for (const CallLatch& old : call.latches) {
        if (has(latches, old.latch)) continue;
        if (old.until > now) changes.push_back(removal(old.latch));
        std::vector<CallKey>& calls = *calls_.edit(old.latch);
        std::erase(calls, key);
        if (calls.empty()) calls_.erase(old.latch);
    }
    for (CallLatch& latch : latches) {
        if (!has(call.latches, latch.latch)) {
            if (!calls_.contains(latch.latch)) calls_.put(latch.latch, {});
            calls_.edit(latch.latch)->push_back(key);
        }
        if (!std::exchange(latch.to_open, false)) continue;
        latch.until = now + latch_time;
        changes.push_back(change(Change::Op::renew, latch.latch, latch.until, now));
        expect_until(latch.until);
    }
    call.latches = std::move(latches);
}

void Latches::restore(std::span<const StoredElement> elements, Time now) {
    for (const StoredElement& stored : elements)
        if (std::holds_alternative<Latch>(stored.element) ||
            std::holds_alternative<LatchedSource>(stored.element))
            expect_until(now + stored.remaining);
}

}  // namespace sipalg::call
