#include "alg/tcp/usage.hpp"

#include <algorithm>

namespace sipalg::tcp {

namespace {

// Unsigned differences wrap and add up.
void move(Usage::Counts& counts, const Usage::Counts& before, const Usage::Counts& after) {
    counts.connections += after.connections - before.connections;
    counts.memory += after.memory - before.memory;
    counts.queued += after.queued - before.queued;
}

}  // namespace

void Usage::change(const Address& phone, const Counts& before, const Counts& after) {
    move(total_, before, after);
    Own& own = per_phone_[phone];
    // The phone may have moved to another host since.
    if (own.host) {
        Counts& shared = per_host_[own.host];
        move(shared, own.counts, {});
        if (shared.connections == 0) per_host_.erase(own.host);
    }
    move(own.counts, before, after);
    if (own.counts.connections == 0) {
        per_phone_.erase(phone);
        return;
    }
    own.host = hosts_.of(phone);
    move(per_host_[own.host], {}, own.counts);
}

Usage::Counts Usage::of(const Address& phone) const {
    const auto found = per_phone_.find(phone);
    return found == per_phone_.end() ? Counts{} : found->second.counts;
}

Usage::Counts Usage::of_host(const Address& phone) const {
    const auto found = per_host_.find(hosts_.of(phone));
    return found == per_host_.end() ? Counts{} : found->second;
}

Usage::Counts Usage::largest() const {
    Counts most;
    for (const auto& [host, counts] : per_host_)
        most = {std::max(most.connections, counts.connections), std::max(most.memory, counts.memory),
                std::max(most.queued, counts.queued)};
    return most;
}

}  // namespace sipalg::tcp
