// Restores rules that another program has removed, and updates those that change.
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
    /// `expected`: the elements that should be there.
    virtual nft::Missing missing(std::span<const Change> expected) = 0;
    /// Brings the accept rules in the owner's chains up to date; the places of which there is something to
    /// say.
    virtual std::vector<nft::AcceptPlace> follow() = 0;
    /// What assigns the kernel's own SIP helper, and the remedy; nullopt: nothing does.
    virtual std::optional<std::string> kernel_helper() = 0;
    virtual void install() = 0;
    /// One transaction: on success all changes are in force, otherwise none, and the error is the kernel's
    /// refusal.
    virtual Result<> apply(std::span<const Change> changes) = 0;
    virtual void set_outside(const std::vector<std::string>& names) = 0;
    virtual void set_allowed(const std::vector<nft::Peers>& peers) = 0;
};

/// Restores rules that another program removes, for example a firewall whose reload begins with `flush
/// ruleset`, and follows the owner's forward chains (A4). It checks after a notification about a change by
/// another program, after a refused change of ours, and every two seconds if the kernel has counted a change.
/// It also puts new outside interfaces and allowed peers into the rules, and tries again until the kernel has
/// taken them.
class RulesetGuard {
  public:
    /// Resets TCP connections whose bytes have moved: their segments were forwarded untranslated meanwhile.
    using EndStreams = std::function<void(Time now)>;
    /// All elements that the kernel should have.
    using Elements = std::function<std::vector<Change>(Time now)>;

    /// Between questions to the kernel whether anything has changed, and between attempts after a refusal.
    static constexpr Time every{2'000};
    /// Between checks for the table at least, however often another program changes the ruleset.
    static constexpr Time pause{50};
    /// Changes within this time cause one reading of the owner's chains and of our sets.
    static constexpr Time coalesce{100};
    /// The wait after a reading, as a multiple of the time that the reading took.
    static constexpr int rest = 9;
    /// Between readings without any change.
    static constexpr Time in_any_case{60'000};
    /// Rules are restored at most so often within `window`, if another program keeps removing them.
    static constexpr int most_restores = 4;
    static constexpr Time window{2'000};

    RulesetGuard(Rules& rules, EndStreams end_connections, Elements elements);

    void want_outside(std::vector<std::string> names);
    void want_allowed(std::vector<nft::Peers> peers);
    /// The rules may have been changed by another program.
    void check_soon() { check_soon_ = true; }
    /// Does the work that is due. Returns when to call again, at the latest.
    Time advance(Time now);

  private:
    void check(Time now);
    void follow(Time now);
    void follow_owner();
    bool may_restore(Time now);
    void restore(nft::Missing missing, Time now);
    void update(Time now);

    Rules& rules_;
    EndStreams end_streams_;
    Elements elements_;
    bool check_soon_ = false;
    bool incomplete_ = false;            ///< a restore failed, which has been logged
    bool refused_ = false;               ///< an update failed, which has been logged
    std::optional<std::string> helper_;  ///< the kernel's own, as last reported
    bool unchecked_ = true;              ///< the ruleset has changed since the last check for the table
    Time last_check_{-pause};
    Time next_check_{0};
    std::optional<Time> follow_at_;  ///< the ruleset has changed: when to read it
    Time rest_until_{0};             ///< and not before this
    Time in_any_case_at_{0};
    Time next_update_{0};
    Time window_began_{-window};
    int restores_ = 0;                                 ///< since window_began_
    std::optional<std::vector<std::string>> outside_;  ///< not in the rules yet
    std::optional<std::vector<nft::Peers>> allowed_;   ///< not in the rules yet
};

}  // namespace sipalg::daemon
