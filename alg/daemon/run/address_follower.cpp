#include "alg/daemon/run/address_follower.hpp"

namespace sipalg::daemon {

// C11. False: the kernel refused.
bool AddressFollower::move(Time now) {
    user_.ends_changed();
    tracker_.see(user_.ends());
    const std::vector<AddressChange> moves = tracker_.moves(user_.used());
    return moves.empty() || user_.renumber(moves, now);
}

void AddressFollower::follow(Time now) {
    retry_at_.reset();
    if (!move(now)) retry_at_ = now + pause;
    if (wanted_) apply_external(now);
}

void AddressFollower::set_external(const std::vector<Address>& external, Time now) {
    wanted_ = external;
    apply_external(now);
}

void AddressFollower::apply_external(Time now) {
    user_.set_external(*wanted_);
    if (move(now)) {
        external_ = *wanted_;
        wanted_.reset();
        retry_at_.reset();
        return;
    }
    user_.set_external(external_);
    user_.ends_changed();
    tracker_.see(user_.ends());
    retry_at_ = now + pause;
}

std::optional<Time> AddressFollower::advance(Time now) {
    if (retry_at_ && now >= *retry_at_) {
        if (wanted_)
            apply_external(now);
        else
            follow(now);
    }
    return retry_at_;
}

}  // namespace sipalg::daemon
