// The accept rules in the owner's forward chains (A4): the chains that need one, and the state of each.
//
// Theory of operation. An accept in our table does not overrule a drop in another base chain of the same
// hook, so pinholed traffic must be accepted in each chain of the owner that could drop it. The rule is at
// the head of the chain:
//
//     ct direction original ct mark & 0x10000000 == 0x10000000 accept comment "sipalg:TABLE"
//
// Only the original direction is accepted; replies meet the owner's own rules. The comment identifies the
// rule for removal, for the next daemon, and after the owner has saved and restored a ruleset that contains
// it. In chains of iptables-nft the rule and its comment are written as x_tables matches, which iptables can
// list and save. Each rule is a separate transaction, so a refusal (a table with the flag `owner`) affects
// only that chain.
#pragma once

#include <string>
#include <vector>

#include "nft/link.hpp"
#include "nft/listing.hpp"
#include "nft/rule.hpp"
#include "nft/settings.hpp"

namespace sipalg::nft {

/// Base chains of type filter in the forward hook of ip, ip6 and inet, outside table inet `except`, that can
/// drop a packet: by policy, by a verdict or `reject`, in the chain itself or in one that it reaches by jump,
/// goto or a verdict map. Chains at priority mangle are left out: their rules set DSCP and MSS. Throws Error.
std::vector<AcceptIn> chains_that_drop(Link& link, const std::vector<ChainSeen>& chains,
                                       const std::vector<RuleSeen>& rules, const std::string& except);

class AcceptRules {
  public:
    /// The link must outlive this object. `root` is put before /proc.
    AcceptRules(Link& link, const Settings& settings, std::string root = "");

    /// Throws SettingsError if a chain of the settings exists and is not a chain for forwarded packets; the
    /// text names suitable chains.
    void require_suitable() const;
    /// Adds missing rules, and deletes accept rules that are no longer needed. Throws Error if the ruleset
    /// can't be read.
    void follow();
    /// The same without changes: afterwards places() has the result that follow() would have for each chain.
    void rehearse();
    /// Deletes all accept rules. Throws Error.
    void remove();

    /// All chains that need a rule or are named in the settings, as of the last call of follow() or
    /// rehearse().
    const std::vector<AcceptPlace>& places() const { return places_; }
    /// The chains that offload signalling to a flowtable (A8), from the same reading.
    const std::vector<std::string>& offloading() const { return offloading_; }
    /// Whether any rule offloads connections, from the same reading.
    bool any_offload() const { return any_offload_; }
    /// The ports to which the owner's rules translate sources, from the same reading.
    const std::vector<PortRange>& source_ports() const { return source_ports_; }
    /// The chains that have got their rule, or whose state has changed, since the last call of this function.
    std::vector<AcceptPlace> take_news();
    /// The rule for one chain.
    Rule rule(const AcceptIn& place) const;

  private:
    std::vector<AcceptPlace> find(const std::vector<ChainSeen>& chains,
                                  const std::vector<RuleSeen>& rules) const;
    void update(bool commit);
    bool is_ours(const RuleSeen& rule) const { return rule.comment == comment_; }
    Committed erase(const RuleSeen& rule, bool commit);
    void insert(AcceptPlace& place, bool commit);

    Link& link_;
    const std::vector<AcceptIn> named_;
    const bool automatic_;
    const std::string table_;
    const std::string comment_;
    const std::string root_;
    const std::vector<std::uint16_t> sip_ports_;
    std::vector<std::string> offloading_;
    bool any_offload_ = false;
    std::vector<PortRange> source_ports_;
    std::vector<AcceptPlace> places_;
    std::vector<AcceptPlace> followed_;  ///< places_ after the last follow()
    std::vector<AcceptPlace> news_;      ///< for take_news()
};

}  // namespace sipalg::nft
