// Media from where nobody said (C5, `latch`).
//
// Theory of operation. When a description of the peer comes into force, the kernel gets a latch for each RTP
// endpoint that it concerns, with a short timeout. The first packet from an address that has no pinhole takes
// the latch away, enters its sender among the learned sources and is translated; all of that is the kernel's
// doing, so the first packet is received. Whoever runs this reads the learned sources about once a second
// while a latch may be open, and makes of each an ordinary pinhole of the call, which lives, renews and
// closes with it. The flow that the packet began goes on meanwhile by itself.
#include <algorithm>
#include <utility>
#include <variant>

#include "alg/call/calls.hpp"
#include "alg/kernel/change.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::call {

MediaSource Calls::source_of(const CallKey& key, const Call& call) const {
    const Address peer = call.peers.empty() ? Address{} : call.peers.front();
    return policy_.treatments.media_source_of(key.phone, peer);
}

void Calls::keep_latch(const Call& call, const Latch& latch, bool announced,
                       std::vector<CallLatch>& latches) {
    const auto known = std::find_if(call.latches.begin(), call.latches.end(),
                                    [&](const CallLatch& there) { return there.latch == latch; });
    latches.push_back({latch, known == call.latches.end() ? Time{0} : known->until, announced});
}

void Calls::set_latches(const CallKey& key, Call& call, std::vector<CallLatch> latches, Time now,
                        Effects& effects) {
    const auto has = [](const std::vector<CallLatch>& some, const Latch& latch) {
        return std::any_of(some.begin(), some.end(),
                           [&](const CallLatch& one) { return one.latch == latch; });
    };
    for (const CallLatch& old : call.latches) {
        if (has(latches, old.latch)) continue;
        if (old.until > now) effects.changes.push_back(removal(old.latch));
        std::vector<CallKey>& calls = *latches_.edit(old.latch);
        std::erase(calls, key);
        if (calls.empty()) latches_.erase(old.latch);
    }
    for (const CallLatch& latch : latches) {
        if (has(call.latches, latch.latch)) continue;
        if (!latches_.contains(latch.latch)) latches_.put(latch.latch, {});
        latches_.edit(latch.latch)->push_back(key);
    }
    for (CallLatch& latch : latches)
        if (std::exchange(latch.to_open, false)) {
            latch.until = now + latch_time;
            effects.changes.push_back(change(Change::Op::renew, latch.latch, latch.until, now));
            expect_learned(latch.until);
        }
    call.latches = std::move(latches);
}

void Calls::restore(std::span<const StoredElement> elements, Time now) {
    for (const StoredElement& stored : elements)
        if (std::holds_alternative<Latch>(stored.element) ||
            std::holds_alternative<LatchedSource>(stored.element))
            expect_learned(now + stored.remaining);
}

void Calls::learn(const LatchedSource& learned, Time now, Effects& effects) {
    const nat::MappingEntry* entry = mappings_.find_outside({learned.transport, learned.outside});
    const std::vector<CallKey>* found = latches_.find(Latch{learned.transport, learned.outside});
    if (!entry || !found) return;
    const Socket inside = entry->key().inside;
    const std::vector<CallKey> calls = *found;
    for (const CallKey& key : calls) {
        if (source_of(key, *calls_.find(key)) != MediaSource::latch) continue;
        Call& call = *calls_.edit(key);
        std::erase_if(call.learned, [&](const CallLatchedSource& source) { return source.inside == inside; });
        if (call.learned.size() >= max_learned) continue;
        call.learned.push_back({inside, learned.remote});
        effects.events.push_back({Event::Kind::media_latched, key.call_id,
                                  "media for " + inside.endpoint.text() + " come from " +
                                      learned.remote.text() + ", which nobody announced"});
        settle(key, call, now, effects);
    }
}

}  // namespace sipalg::call
