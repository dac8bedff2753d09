#include "alg/daemon/run/ruleset_guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "alg/daemon/config/log.hpp"
#include "alg/doctor/findings.hpp"
#include "alg/sys/cpu_time.hpp"
#include "alg/sys/service_manager.hpp"

namespace sipalg::daemon {

RulesetGuard::RulesetGuard(Rules& rules, EndStreams end_connections, Elements elements, Forwards forwards,
                           RenewFlows renew_flows, std::vector<PortRange> public_ports)
    : rules_(rules),
      end_streams_(std::move(end_connections)),
      elements_(std::move(elements)),
      take_forwards_(std::move(forwards)),
      renew_flows_(std::move(renew_flows)),
      public_ports_(std::move(public_ports)) {}

void RulesetGuard::want_outside(std::vector<std::string> names) {
    outside_ = std::move(names);
    next_update_ = Time{0};
}

void RulesetGuard::want_hosts(nft::Hosts hosts) {
    hosts_ = std::move(hosts);
    next_update_ = Time{0};
}

Time RulesetGuard::advance(Time now) {
    if (std::exchange(missed_, false)) next_check_ = std::min(next_check_, now + every);
    const auto check_at = [this] {
        return check_soon_ ? std::min(next_check_, earliest_check_) : next_check_;
    };
    if (now >= check_at()) check(now);
    if (follow_at_ && now >= *follow_at_) follow(now);
    const auto due = [&] { return follow_at_ ? std::min(check_at(), *follow_at_) : check_at(); };
    if (!outside_ && !hosts_) return due();
    if (now >= next_update_) update(now);
    return outside_ || hosts_ ? std::min(due(), next_update_) : due();
}

// Packets pass untranslated until the table is restored, so this is done first. P5: without a failure, the
// next check is after a notification, or a minute later.
void RulesetGuard::check(Time now) {
    earliest_check_ = std::max(earliest_check_ + pause, now - (checks_at_once - 2) * pause);
    next_check_ = now + every;
    check_soon_ = false;
    try {
        if (rules_.changed_by_others() || now >= in_any_case_at_) {
            unchecked_ = true;
            in_any_case_at_ = now + in_any_case;
            if (!follow_at_) follow_at_ = std::max(now + coalesce, rest_until_);
        }
        if (!unchecked_ && !incomplete_) {
            next_check_ = in_any_case_at_;
            return;
        }
        const nft::Missing missing = rules_.missing({});
        if (missing != nft::Missing::nothing || incomplete_) {
            if (!may_restore(now)) return;
            restore(missing, now);
        }
        unchecked_ = false;
        next_check_ = in_any_case_at_;
    } catch (const nft::Error& error) {
        if (!incomplete_) log::error("cannot restore the rules: {}", error.what());
        incomplete_ = true;
        check_soon_ = false;  // the daemon's own attempt is not a change by another program
    }
}

void RulesetGuard::follow(Time now) {
    follow_at_.reset();
    const auto began = thread_cpu_time();
    try {
        if (!incomplete_ && rules_.missing(elements_(now)) != nft::Missing::nothing) {
            if (may_restore(now))
                restore(nft::Missing::table, now);
            else
                follow_at_ = next_check_;
        }
        follow_owner(now);
    } catch (const nft::Error& error) {
        log::warning("cannot read the ruleset: {}", error.what());
        follow_at_ = now + every;
    }
    rest_until_ = now + std::chrono::ceil<Time>(rest * (thread_cpu_time() - began));
}

// A4, A8, X10, X12: follows the owner's chains and port forwards, and looks for rules that assign the
// kernel's SIP helper or offload signalling.
void RulesetGuard::follow_owner(Time now) {
    for (const nft::AcceptPlace& place : rules_.follow()) {
        const std::string chain = nft::describe(place.place);
        if (place.state == nft::AcceptPlace::State::accepting)
            log::info("accept rule for pinholes is in {}", chain);
        else if (place.state == nft::AcceptPlace::State::needless)
            log::info("no accept rule for pinholes is needed in {}: {}", chain, place.reason);
        else
            log::warning("no accept rule for pinholes in {}: {}", chain, place.reason);
    }
    auto helper = rules_.kernel_helper();
    if (helper && helper != helper_) log::error("{}", *helper);
    helper_ = std::move(helper);
    follow_offload();
    follow_source_ports();
    follow_forwards(now);
}

// A8
void RulesetGuard::follow_offload() {
    auto offloading = rules_.offloading_chains();
    if (offloading != offloading_ && !offloading.empty())
        log::warning(
            "{} offloads signalling to a flowtable, so messages pass unread; sipalgctl status has the remedy",
            fmt::format("{}", fmt::join(offloading, ", ")));
    offloading_ = std::move(offloading);
    if (std::exchange(keeps_out_, rules_.keeps_out_of_flowtables()) == keeps_out_) return;
    if (!keeps_out_) return log::info("no rule offloads flows now; signalling needs no helper");
    log::info("a rule says flow add; signalling gets the helper sipalg, which keeps it out of flowtables");
    renew_flows_();
}

// A3
void RulesetGuard::follow_source_ports() {
    auto ports = rules_.source_ports();
    if (ports == source_ports_) return;
    source_ports_ = std::move(ports);
    if (doctor::is_shared_address(source_ports_, public_ports_))
        log::warning("{}", doctor::sentence(doctor::shared_address(source_ports_)));
}

// X12
void RulesetGuard::follow_forwards(Time now) {
    auto forwards = rules_.port_forwards();
    if (forwards == forwards_) return;
    if (take_forwards_(forwards, now))
        forwards_ = std::move(forwards);
    else
        follow_at_ = now + every;
}

// Only successful checks count: until the chain of an accept rule is restored, the firewall is still being
// loaded, and each of its transactions may add the chain.
bool RulesetGuard::may_restore(Time now) {
    if (now - window_began_ >= window) {
        window_began_ = now;
        restores_ = 0;
    }
    if (restores_ < most_restores) return true;
    next_check_ = earliest_check_ = window_began_ + window;  // not earlier, even after notifications
    log::warning("another program keeps removing the rules of sipalgd; next attempt in {} ms",
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
    log::warning("another program removed the rules of sipalgd; they are restored");
}

void RulesetGuard::update(Time now) {
    try {
        if (outside_) {
            rules_.set_outside(*outside_);
            follow_at_ = std::max(now + coalesce, rest_until_);  // for the port forwards
            const std::string names = fmt::format("{}", fmt::join(*outside_, ", "));
            outside_.reset();
            log::info("outside interfaces changed to {}", names);
            tell_service_manager("STATUS=Serving, outside " + names);
        }
        if (hosts_) rules_.set_hosts(*hosts_);
        hosts_.reset();
        refused_ = false;
    } catch (const nft::Error& error) {
        if (!refused_)
            log::error("cannot update the rules with {}: {}",
                       outside_ ? "the outside interfaces" : "the peers and phones", error.what());
        refused_ = true;
        next_update_ = now + every;
    }
}

}  // namespace sipalg::daemon
