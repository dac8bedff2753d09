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
    virtual nft::Missing missing() = 0;
    virtual void install() = 0;
    /// One transaction: on success all changes are in force, otherwise none, and the error is the kernel's
    /// refusal.
    virtual Result<> apply(std::span<const Change> changes) = 0;
    virtual void set_outside(const std::vector<std::string>& names) = 0;
    virtual void set_allowed(const std::vector<nft::Peers>& peers) = 0;
};

/// Restores rules that another program removes, for example a firewall whose reload begins with `flush
/// ruleset`. It checks them after a notification about a change by another program, after a refused change of
/// ours, and every two seconds in any case. It also puts new outside interfaces and allowed peers into the
/// rules, and tries again until the kernel has taken them.
class RulesetGuard {
  public:
    /// Resets TCP connections whose bytes have moved: their segments were forwarded untranslated meanwhile.
    using EndStreams = std::function<void(Time now)>;
    /// All elements that the kernel should have.
    using Elements = std::function<std::vector<Change>(Time now)>;

    /// Between checks without a notification, and between attempts after a refusal.
    static constexpr Time every{2'000};
    /// Between checks at least, however often another program changes rules.
    static constexpr Time pause{50};
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
    bool may_restore(Time now);
    void restore(nft::Missing missing, Time now);
    void update(Time now);

    Rules& rules_;
    EndStreams end_streams_;
    Elements elements_;
    bool check_soon_ = false;
    bool incomplete_ = false;  ///< a restore failed, which has been logged
    bool refused_ = false;     ///< an update failed, which has been logged
    Time last_check_{-pause};
    Time next_check_{0};
    Time next_update_{0};
    Time window_began_{-window};
    int restores_ = 0;                                 ///< since window_began_
    std::optional<std::vector<std::string>> outside_;  ///< not in the rules yet
    std::optional<std::vector<nft::Peers>> allowed_;   ///< not in the rules yet
};

}  // namespace sipalg::daemon
