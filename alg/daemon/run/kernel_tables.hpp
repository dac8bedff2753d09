// The nftables ruleset and the conntrack table, for engine and ruleset guard.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "alg/daemon/run/egress.hpp"
#include "alg/daemon/run/engine.hpp"
#include "alg/daemon/run/ruleset_guard.hpp"
#include "nft/conntrack.hpp"
#include "nft/monitor.hpp"
#include "nft/ruleset.hpp"

namespace sipalg::daemon {

/// The kernel for the engine, the rules for the ruleset guard, and the uplinks of flows for the choice of the
/// egress.
class KernelTables : public Kernel, public Rules, public FlowUplinks {
  public:
    /// `applied` is called after each transaction or question. If the kernel has refused it, another program
    /// may have removed something; otherwise the monitor has missed notifications of that time.
    KernelTables(nft::Ruleset& ruleset, nft::Conntrack& conntrack, nft::Monitor& monitor,
                 std::function<void(bool refused)> applied)
        : ruleset_(ruleset), conntrack_(conntrack), monitor_(monitor), applied_(std::move(applied)) {}

    void erase(std::span<const ConntrackTuple> flows) override { conntrack_.erase(flows); }
    Result<> apply(std::span<const Change> changes) override {
        const nft::Monitor::Away away(monitor_);
        auto outcome = ruleset_.apply(changes);
        applied_(!outcome);
        return outcome;
    }
    std::optional<std::uint16_t> inside_port(const PortQuestion& question) override {
        return ruleset_.inside_port(question.outside, question.phone);
    }
    std::optional<Address> public_address(const ConntrackTuple& flow) override {
        return unless_refused<std::optional<Address>>([&] { return conntrack_.public_address(flow); });
    }
    std::optional<std::string> uplink_of(const ConntrackTuple& flow) override {
        return unless_refused<std::optional<std::string>>([&] { return ruleset_.uplink_of(flow); });
    }
    bool ask_uplink(const ConntrackTuple& flow) override {
        const nft::Monitor::Away away(monitor_);
        return unless_refused<bool>([&] {
            ruleset_.ask_uplink(flow);
            applied_(false);
            return true;
        });
    }
    bool changed_by_others() override { return ruleset_.changed_by_others(); }
    nft::Missing missing(std::span<const Change> expected) override { return ruleset_.missing(expected); }
    std::vector<nft::AcceptPlace> follow() override { return ruleset_.follow(); }
    std::optional<std::string> kernel_helper() override { return ruleset_.kernel_helper(); }
    std::vector<std::string> offloading_chains() override { return ruleset_.offloading_chains(); }
    bool keeps_out_of_flowtables() override { return ruleset_.keeps_out_of_flowtables(); }
    std::vector<PortRange> source_ports() override { return ruleset_.source_ports(); }
    std::vector<PortForward> port_forwards() override { return ruleset_.port_forwards(); }
    void install() override { ruleset_.install(); }
    void set_outside(const std::vector<std::string>& names) override { ruleset_.set_outside(names); }
    void set_hosts(const nft::Hosts& hosts) override { ruleset_.set_hosts(hosts); }

  private:
    template <class Answer, class Ask>
    Answer unless_refused(const Ask& ask) {
        try {
            return ask();
        } catch (const nft::Error&) {
            applied_(true);
            return {};
        }
    }

    nft::Ruleset& ruleset_;
    nft::Conntrack& conntrack_;
    nft::Monitor& monitor_;
    std::function<void(bool refused)> applied_;
};

}  // namespace sipalg::daemon
