#include "alg/call/unproven_calls.hpp"

namespace sipalg::call {

void UnprovenCalls::note(const CallKey& key, const Call& call) {
    if (call.is_unproven()) {
        if (queues_.contains(key)) return;
        queues_.add(key, call.caller == Side::inside ? hosts_.of(key.phone) : host_of(call.first_peer()));
        staged_.emplace_back(key, std::nullopt);
    } else {
        forget(key);
    }
}

void UnprovenCalls::forget(const CallKey& key) {
    if (queues_.size() == 0) return;
    if (const auto host = queues_.remove(key)) staged_.emplace_back(key, host);
}

std::vector<CallKey> UnprovenCalls::of(const nat::PhonePeer& pair) const {
    std::vector<CallKey> keys;
    // Those of a phone whose neighbour became known later still count to the phone itself.
    std::vector<Address> hosts{hosts_.of(pair.phone), host_of(pair.peer)};
    if (hosts.front() != pair.phone) hosts.push_back(pair.phone);
    for (const Address& host : hosts)
        if (const auto* queue = queues_.of(host)) keys.insert(keys.end(), queue->begin(), queue->end());
    return keys;
}

void UnprovenCalls::cancel() {
    for (auto it = staged_.rbegin(); it != staged_.rend(); ++it) {
        if (it->second)
            queues_.add_oldest(it->first, *it->second);
        else
            queues_.remove(it->first);
    }
    staged_.clear();
}

}  // namespace sipalg::call
