// Keeps the rules in the kernel in step with what is wanted.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

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
    /// One transaction; the kernel's refusal, or nullopt when all is in force.
    virtual std::optional<std::string> apply(std::span<const Change> changes) = 0;
    virtual void set_outside(const std::vector<std::string>& names) = 0;
    virtual void set_allowed(const std::vector<nft::Peers>& peers) = 0;
};

/// Puts back what other programs take away, as a firewall does that is loaded anew and begins with `flush
/// ruleset`: as soon as the kernel tells of a change that was not ours or refuses one of ours,
/// and in case it does neither, every now and then. Tells the rules of other interfaces and peers, and goes
/// on until they have been told.
class RulesetGuard {
  public:
    /// TCP connections whose bytes were moved can't go on: their segments have passed untranslated.
    using EndStreams = std::function<void(Time now)>;
    /// All that the kernel should hold.
    using Elements = std::function<std::vector<Change>(Time now)>;

    /// A look without being told, and another try when something was refused.
    static constexpr Time every{2'000};
    /// Between looks: where another program changes rules all the time, we don't read them all the time.
    static constexpr Time pause{50};
    /// So often in so long rules are put back; somebody may take them away each time.
    static constexpr int most_mends = 4;
    static constexpr Time window{2'000};

    RulesetGuard(Rules& rules, EndStreams end_connections, Elements elements);

    void want_outside(std::vector<std::string> names);
    void want_allowed(std::vector<nft::Peers> peers);
    /// Others have changed something in nftables, or it looks like it.
    void look_soon() { look_soon_ = true; }
    /// Does what is due. Returns when to ask again, at the latest.
    Time advance(Time now);

  private:
    void look(Time now);
    bool may_mend(Time now);
    void mend(nft::Missing missing, Time now);
    void tell(Time now);

    Rules& rules_;
    EndStreams end_streams_;
    Elements elements_;
    bool look_soon_ = false;
    bool incomplete_ = false;  ///< putting them back failed, which has been said
    bool refused_ = false;     ///< telling them of something failed, which has been said
    Time last_look_{-pause};
    Time next_look_{0};
    Time next_tell_{0};
    Time window_began_{-window};
    int mends_ = 0;                                    ///< since then
    std::optional<std::vector<std::string>> outside_;  ///< the rules don't know it yet
    std::optional<std::vector<nft::Peers>> allowed_;   ///< nor these
};

}  // namespace sipalg::daemon
