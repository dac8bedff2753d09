// Restores rules that another program has removed, and updates rules at run time.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alg/base/result.hpp"
#include "alg/base/time.hpp"
#include "alg/kernel/element.hpp"
#include "nft/ruleset.hpp"

namespace sipalg::daemon {

/// The rules in the kernel. Each throws nft::Error.
class Rules {
  public:
    virtual ~Rules() = default;
    /// Whether another program has changed nftables since the last call.
    virtual bool changed_by_others() = 0;
    /// `expected`: the elements that should exist.
    virtual nft::Missing missing(std::span<const Change> expected) = 0;
    /// Updates the accept rules in the owner's chains; returns the chains whose state has changed.
    virtual std::vector<nft::AcceptPlace> follow() = 0;
    /// The rule or setting that assigns the kernel's own SIP helper, and the remedy; nullopt: none.
    virtual std::optional<std::string> kernel_helper() = 0;
    /// A8: the chains that take signalling away to a flowtable, as of the last follow().
    virtual std::vector<std::string> offloading_chains() = 0;
    /// A8: whether new signalling flows are kept out of flowtables, as of the last follow().
    virtual bool keeps_out_of_flowtables() = 0;
    /// The ports to which the owner's rules translate sources, as of the last follow().
    virtual std::vector<PortRange> source_ports() = 0;
    /// X12: the ports that the owner's ruleset forwards.
    virtual std::vector<PortForward> port_forwards() = 0;
    virtual void install() = 0;
    /// One transaction: on success all changes are in force, otherwise none, and the error is the kernel's
    /// refusal.
    virtual Result<> apply(std::span<const Change> changes) = 0;
    virtual void set_outside(const std::vector<std::string>& names) = 0;
    virtual void set_hosts(const nft::Hosts& hosts) = 0;
};

/// Restores rules that another program removes, for example a firewall that reloads with `flush ruleset`, and
/// follows the owner's forward chains (A4). It checks the rules after a notification about another program
/// and after a refused transaction of the daemon, and once a minute in any case, but not otherwise (P5). It
/// also updates outside interfaces and hosts in the rules, and repeats this until the kernel accepts.
class RulesetGuard {
  public:
    /// Resets TCP connections with translated sequence numbers, because their segments have passed
    /// untranslated.
    using EndStreams = std::function<void(Time now)>;
    /// All elements that the kernel should have.
    using Elements = std::function<std::vector<Change>(Time now)>;
    /// Takes the ports that the owner forwards, when they have changed (X12). False: the kernel refused; they
    /// are reported again.
    using Forwards = std::function<bool(const std::vector<PortForward>& forwards, Time now)>;

    /// A8: renews the signalling flows that are older than the rules which keep them out of flowtables.
    using RenewFlows = std::function<void()>;

    /// The interval of attempts after a refusal, and of questions while notifications may be missed.
    static constexpr Time every{2'000};
    /// Checks of the table follow notifications at once, because packets pass untranslated until the table is
    /// restored. If another program changes the ruleset all the time, there is one check in `pause` after
    /// the first few.
    static constexpr Time pause{50};
    static constexpr int checks_at_once = 8;
    /// Changes within this time cause only one reading of the owner's chains and of the daemon's sets.
    static constexpr Time coalesce{100};
    /// The wait after a reading, as a multiple of the processor time that the reading took.
    static constexpr int rest = 9;
    /// The interval between readings without a change.
    static constexpr Time in_any_case{60'000};
    /// The most restores within `window` while another program keeps removing the rules.
    static constexpr int most_restores = 4;
    static constexpr Time window{2'000};

    /// `public_ports`: those of the options.
    RulesetGuard(Rules& rules, EndStreams end_connections, Elements elements, Forwards forwards,
                 RenewFlows renew_flows, std::vector<PortRange> public_ports = {});

    void want_outside(std::vector<std::string> names);
    void want_hosts(nft::Hosts hosts);
    /// Call it when another program may have changed the rules.
    void check_soon() { check_soon_ = true; }
    /// Call it when notifications may have been missed: the kernel's count of changes is asked for within
    /// `every`.
    void note_missed() { missed_ = true; }
    /// Does the pending work. Returns the latest time of the next call.
    Time advance(Time now);

  private:
    void check(Time now);
    void follow(Time now);
    void follow_owner(Time now);
    void follow_offload();
    void follow_source_ports();
    void follow_forwards(Time now);
    bool may_restore(Time now);
    void restore(nft::Missing missing, Time now);
    void update(Time now);

    Rules& rules_;
    EndStreams end_streams_;
    Elements elements_;
    Forwards take_forwards_;
    RenewFlows renew_flows_;
    const std::vector<PortRange> public_ports_;
    std::vector<PortRange> source_ports_;               ///< as last reported
    std::optional<std::vector<PortForward>> forwards_;  ///< as last taken
    std::vector<std::string> offloading_;               ///< as last reported
    bool keeps_out_ = false;                            ///< as last reported
    bool check_soon_ = false;
    bool missed_ = false;                ///< notifications may have been missed
    bool incomplete_ = false;            ///< a restore failed, which has been logged
    bool refused_ = false;               ///< an update failed, which has been logged
    std::optional<std::string> helper_;  ///< the finding that was logged last
    bool unchecked_ = true;              ///< the ruleset has changed since the last check of the table
    Time earliest_check_{0};             ///< after a notification
    Time next_check_{0};
    std::optional<Time> follow_at_;  ///< the ruleset has changed: when to read it
    Time rest_until_{0};             ///< the earliest time for that
    Time in_any_case_at_{0};
    Time next_update_{0};
    Time window_began_{-window};
    int restores_ = 0;                                 ///< since window_began_
    std::optional<std::vector<std::string>> outside_;  ///< not in the rules yet
    std::optional<nft::Hosts> hosts_;                  ///< not in the rules yet
};

}  // namespace sipalg::daemon
