#include "alg/daemon/run/ruleset_guard.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <utility>

namespace sipalg::daemon {

RulesetGuard::RulesetGuard(Rules& rules, EndStreams end_connections, Elements elements)
    : rules_(rules), end_streams_(std::move(end_connections)), elements_(std::move(elements)) {}

void RulesetGuard::want_outside(std::vector<std::string> names) {
    outside_ = std::move(names);
    next_update_ = Time{0};
}

void RulesetGuard::want_allowed(std::vector<nft::Peers> peers) {
    allowed_ = std::move(peers);
    next_update_ = Time{0};
}

Time RulesetGuard::advance(Time now) {
    const auto due = [this] {
        return check_soon_ ? std::min(next_check_, last_check_ + pause) : next_check_;
    };
    if (now >= due()) check(now);
    if (!outside_ && !allowed_) return due();
    if (now >= next_update_) update(now);
    return outside_ || allowed_ ? std::min(due(), next_update_) : due();
}

void RulesetGuard::check(Time now) {
    last_check_ = now;
    next_check_ = now + every;
    check_soon_ = false;
    try {
        const nft::Missing missing = rules_.missing();
        if (missing == nft::Missing::nothing && !incomplete_) return;
        if (may_restore(now)) restore(missing, now);
    } catch (const nft::Error& error) {
        if (!incomplete_) spdlog::error("the rules are not in place: {}", error.what());
        incomplete_ = true;
        check_soon_ = false;  // our own attempt is no change by another program
    }
}

// Only successful restores count: until the chain of an accept rule is back, the firewall is still loading,
// and each of its transactions may create it.
bool RulesetGuard::may_restore(Time now) {
    if (now - window_began_ >= window) {
        window_began_ = now;
        restores_ = 0;
    }
    if (restores_ < most_restores) return true;
    next_check_ = last_check_ = window_began_ + window;  // and not sooner, whatever the notifications
    spdlog::warn("another program removes the rules of sipalgd again and again; next attempt in {} ms",
                 (next_check_ - now).count());
    return false;
}

void RulesetGuard::restore(nft::Missing missing, Time now) {
    if (missing == nft::Missing::table) end_streams_(now);
    rules_.install();
    if (const auto outcome = rules_.apply(elements_(now)); !outcome) throw nft::Error(outcome.error());
    ++restores_;
    incomplete_ = false;
    next_update_ = Time{0};  // an update may have been refused while the table was missing
    spdlog::warn("another program removed the rules of sipalgd; they are restored");
}

void RulesetGuard::update(Time now) {
    try {
        if (outside_) {
            rules_.set_outside(*outside_);
            const std::string names = fmt::format("{}", fmt::join(*outside_, ", "));
            outside_.reset();
            spdlog::info("outside interfaces changed to {}", names);
            sd_notifyf(0, "STATUS=Serving, outside %s", names.c_str());
        }
        if (allowed_) rules_.set_allowed(*allowed_);
        allowed_.reset();
        refused_ = false;
    } catch (const nft::Error& error) {
        if (!refused_)
            spdlog::error("cannot update the rules with {}: {}",
                          outside_ ? "the outside interfaces" : "the allowed peers", error.what());
        refused_ = true;
        next_update_ = now + every;
    }
}

}  // namespace sipalg::daemon
