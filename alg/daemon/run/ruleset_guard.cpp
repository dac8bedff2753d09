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
    next_tell_ = Time{0};
}

void RulesetGuard::want_allowed(std::vector<nft::Peers> peers) {
    allowed_ = std::move(peers);
    next_tell_ = Time{0};
}

Time RulesetGuard::advance(Time now) {
    const auto due = [this] { return look_soon_ ? std::min(next_look_, last_look_ + pause) : next_look_; };
    if (now >= due()) look(now);
    if (!outside_ && !allowed_) return due();
    if (now >= next_tell_) tell(now);
    return outside_ || allowed_ ? std::min(due(), next_tell_) : due();
}

void RulesetGuard::look(Time now) {
    last_look_ = now;
    next_look_ = now + every;
    look_soon_ = false;
    try {
        const nft::Missing missing = rules_.missing();
        if (missing == nft::Missing::nothing && !incomplete_) return;
        if (may_mend(now)) mend(missing, now);
    } catch (const nft::Error& error) {
        if (!incomplete_) spdlog::error("the rules are not in place: {}", error.what());
        incomplete_ = true;
        look_soon_ = false;  // of our own attempt
    }
}

// Only those count that succeed: until the chain of an accept rule is back, the firewall is still being
// loaded, and each of its transactions may be the one that brings it.
bool RulesetGuard::may_mend(Time now) {
    if (now - window_began_ >= window) {
        window_began_ = now;
        mends_ = 0;
    }
    if (mends_ < most_mends) return true;
    next_look_ = last_look_ = window_began_ + window;  // and not sooner, whatever is heard
    spdlog::warn("another program flushes the rules of sipalgd again and again; next try in {} ms",
                 (next_look_ - now).count());
    return false;
}

void RulesetGuard::mend(nft::Missing missing, Time now) {
    if (missing == nft::Missing::table) end_streams_(now);
    rules_.install();
    if (const auto refusal = rules_.apply(elements_(now))) throw nft::Error(*refusal);
    ++mends_;
    incomplete_ = false;
    next_tell_ = Time{0};  // what was refused while the table was not there
    spdlog::warn("rules of sipalgd were flushed by another program; they are back");
}

void RulesetGuard::tell(Time now) {
    try {
        if (outside_) {
            rules_.set_outside(*outside_);
            const std::string names = fmt::format("{}", fmt::join(*outside_, ", "));
            outside_.reset();
            spdlog::info("outside is now {}", names);
            sd_notifyf(0, "STATUS=Serving, outside %s", names.c_str());
        }
        if (allowed_) rules_.set_allowed(*allowed_);
        allowed_.reset();
        refused_ = false;
    } catch (const nft::Error& error) {
        if (!refused_)
            spdlog::error("the rules could not follow {}: {}",
                          outside_ ? "the default route" : "the allowed peers", error.what());
        refused_ = true;
        next_tell_ = now + every;
    }
}

}  // namespace sipalg::daemon
