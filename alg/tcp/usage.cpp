#include "alg/tcp/usage.hpp"

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
    Counts& counts = per_phone_[phone];
    move(counts, before, after);
    if (counts.connections == 0) per_phone_.erase(phone);
}

Usage::Counts Usage::of(const Address& phone) const {
    const auto found = per_phone_.find(phone);
    return found == per_phone_.end() ? Counts{} : found->second;
}

}  // namespace sipalg::tcp
