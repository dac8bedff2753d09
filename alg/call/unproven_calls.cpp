#include "alg/call/unproven_calls.hpp"

namespace sipalg::call {

void UnprovenCalls::note(const CallKey& key, const Call& call) {
    if (call.is_unproven()) {
        if (queues_.contains(key)) return;
        queues_.add(key, call.caller == Side::inside ? key.phone : host_of(call.first_peer()));
        staged_.emplace_back(key, std::nullopt);
    } else if (queues_.size() > 0) {
        if (const auto host = queues_.remove(key)) staged_.emplace_back(key, host);
    }
}

std::vector<CallKey> UnprovenCalls::of(const nat::PhonePeer& pair) const {
    std::vector<CallKey> keys;
    for (const Address& host : {pair.phone, host_of(pair.peer)})
        if (const auto* queue = queues_.of(host)) keys.insert(keys.end(), queue->begin(), queue->end());
    return keys;
}

void UnprovenCalls::cancel() {
    for (auto it = staged_.rbegin(); it != staged_.rend(); ++it) {
        if (it->second)
            queues_.add(it->first, *it->second);
        else
            queues_.remove(it->first);
    }
    staged_.clear();
}

}  // namespace sipalg::call
