#include "alg/daemon/run/address_tracker.hpp"

#include <algorithm>

namespace sipalg::daemon {

namespace {
constexpr std::size_t most_seen = 64;  // addresses, old ones included; calls use only the latest
}

void AddressTracker::see(const std::vector<EgressChooser::End>& ends) {
    ends_ = ends;
    for (const EgressChooser::End& end : ends_) {
        if (!end.egress.address) continue;
        std::erase_if(seen_, [&](const Seen& seen) { return seen.address == end.egress.address; });
        seen_.push_back({end.interface, end.egress.address, ends_.size() == 1});
    }
    if (seen_.size() > most_seen)
        seen_.erase(seen_.begin(), seen_.end() - static_cast<std::ptrdiff_t>(most_seen));
}

const Egress* AddressTracker::successor(const Address& address, std::span<const Egress> used) const {
    for (const EgressChooser::End& end : ends_)
        if (end.egress.address == address) return &end.egress;
    const auto known =
        std::find_if(seen_.begin(), seen_.end(), [&](const Seen& one) { return one.address == address; });
    if (known != seen_.end()) {
        for (const EgressChooser::End& end : ends_)
            if (end.interface == known->interface) return end.egress.address ? &end.egress : nullptr;
        // While one of several uplinks is down, its calls wait for it.
        if (!known->alone || ends_.size() != 1) return nullptr;
        return ends_.front().egress.address ? &ends_.front().egress : nullptr;
    }
    const Egress* only = nullptr;
    for (const EgressChooser::End& end : ends_) {
        const bool taken = ends_.size() > 1 && std::any_of(used.begin(), used.end(), [&](const Egress& one) {
                               return one.address == end.egress.address;
                           });
        if (!end.egress.address || taken) continue;
        if (only) return nullptr;
        only = &end.egress;
    }
    return only;
}

std::vector<AddressChange> AddressTracker::moves(std::span<const Egress> used) const {
    std::vector<AddressChange> moves;
    for (const Egress& one : used) {
        const bool listed = std::any_of(moves.begin(), moves.end(),
                                        [&](const AddressChange& move) { return move.from == one.address; });
        const Egress* to = listed ? nullptr : successor(one.address, used);
        if (to && *to != one) moves.push_back({one.address, *to});
    }
    return moves;
}

}  // namespace sipalg::daemon
