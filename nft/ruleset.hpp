// The daemon's nftables table: installing, changing and removing it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alg/base/result.hpp"
#include "alg/kernel/element.hpp"
#include "alg/kernel/port_forward.hpp"
#include "alg/sys/netlink.hpp"
#include "nft/accept_rules.hpp"
#include "nft/batch.hpp"
#include "nft/link.hpp"
#include "nft/offload_helper.hpp"
#include "nft/rule.hpp"
#include "nft/settings.hpp"
#include "nft/table.hpp"
#include "nft/table_lock.hpp"
#include "nft/transaction.hpp"

namespace sipalg::nft {

/// The objects of install() that another program has removed. If the table, rules or elements are missing,
/// packets have passed without the daemon.
enum class Missing : std::uint8_t { nothing, table };

/// The table of one daemon in this network namespace. Each change is one atomic batch, which the kernel has
/// acknowledged when the call returns (P4). Not thread-safe. The destructor only closes sockets; remove()
/// removes the table from the kernel.
class Ruleset {
  public:
    /// Opens the netlink sockets and locks the table's name in this network namespace. Throws Error if
    /// CAP_NET_ADMIN is missing, another daemon owns the table, a table of another program has its name, the
    /// kernel's `sip` conntrack helper is in use (X10), or an --accept-in chain is not one for forwarded
    /// packets.
    explicit Ruleset(Settings settings);
    ~Ruleset() = default;
    Ruleset(const Ruleset&) = delete;
    Ruleset& operator=(const Ruleset&) = delete;

    QueueMethod queue_method() const { return method_; }
    /// Whether this process owns the table. False only with Settings::lock_optional, if a running daemon owns
    /// it.
    bool has_lock() const { return lock_.has_value(); }
    /// Whether rules can match the payload of TCP segments, which needs kernel 5.16. On older kernels TLS
    /// over TCP, and SIP over TCP on other ports, are not reported.
    bool sees_streams() const { return origin_ == Origin::payload; }
    /// The chains of the owner that should accept pinholed traffic, as of install(), check() or follow().
    const std::vector<AcceptPlace>& accept_places() const { return accept_rules_.places(); }
    /// The chains that have the accept rule.
    std::vector<AcceptIn> accepting_chains() const;

    /// Whether the kernel would accept the whole table; changes nothing. accept_places() then has the result
    /// for the accept rules. Throws Error with the refusal.
    void check();
    /// Installs the table, then the accept rules. Elements of an earlier run stay (A5); chains, rules and
    /// interface sets of sipalgd are replaced in one batch. Throws Error; a refused accept rule is not an
    /// error.
    void install();
    /// Removes the table and the accept rules, if they exist. Throws Error.
    void remove();

    /// Whether another program has changed nftables since the last call, by the kernel's count of
    /// transactions. The first call returns true. Throws Error.
    bool changed_by_others();
    /// The objects that other programs have removed since install(): the table, rules in it, or all elements
    /// of a set, for example by `nft flush ruleset`. `expected`: the elements that should exist. Call
    /// install() and apply() to restore them. Throws Error.
    Missing missing(std::span<const Change> expected);
    /// Updates the accept rules to the present ruleset of the owner. Returns the chains that have got their
    /// rule, or whose state has changed, since the last call, including those of install(). Throws Error.
    std::vector<AcceptPlace> follow();

    /// X10: the rule or setting that assigns the kernel's own SIP helper, and the command that removes it;
    /// nullopt: none. Throws Error.
    std::optional<std::string> kernel_helper();

    /// A8: the owner's chains, as "FAMILY TABLE CHAIN", that offload signalling to a flowtable, after
    /// install(), check() or follow(). Empty if the kernel can keep signalling out of flowtables.
    const std::vector<std::string>& offloading_chains() const;
    /// A8: whether the table keeps new signalling flows out of flowtables, after install() or follow(). It
    /// does so only while some rule says `flow add`. Older flows are still offloaded.
    bool keeps_out_of_flowtables() const { return settings_.keep_out_of_flowtables; }

    /// The ports to which the owner's rules translate sources, after install(), check() or follow(). Empty:
    /// no rule names ports.
    const std::vector<PortRange>& source_ports() const { return accept_rules_.source_ports(); }

    /// X12: the ports that the owner's ruleset forwards for packets that come from outside. Throws Error.
    std::vector<PortForward> port_forwards();

    /// The netlink port of this process's transactions, for Monitor.
    std::uint32_t port() const { return link_.port(); }

    /// Replaces the outside interfaces. Throws Error.
    void set_outside(const std::vector<std::string>& interfaces);

    /// Replaces the hosts with settings of their own (N3, X12). Throws Error.
    void set_hosts(const Hosts& hosts);

    /// All elements in the table, of an earlier run or this one (A5). Throws Error.
    std::vector<StoredElement> read();

    /// The sources that latches have let in and that were not removed yet (C5). Throws Error.
    std::vector<LatchedSource> read_learned();

    /// The port of the phone behind a public endpoint, for a UDP flow that the phone has begun in the last
    /// minutes; nullopt: none is known (S2). Throws Error.
    std::optional<std::uint16_t> inside_port(const Endpoint& outside, const Address& phone);

    /// A9: the kernel notes the uplink of the next packet of this flow and drops it, if it comes within two
    /// seconds. Throws Error.
    void ask_uplink(const ConntrackTuple& flow);
    /// The interface that was noted for the flow; nullopt: none yet. Throws Error.
    std::optional<std::string> uplink_of(const ConntrackTuple& flow);

    /// Applies the changes as one transaction and waits for the kernel's answer (law 1). On success all
    /// changes are in force; otherwise none is, and the error is the kernel's refusal as a text for people.
    Result<> apply(std::span<const Change> changes);

    /// The ruleset in nft's syntax, as printed by `--check=rules` and documented in nft/sipalg.nft.
    std::string text() const;

  private:
    void write_table(Batch& out, const Table& wanted);
    void choose_expressions();
    void choose_removal();
    template <class Write, class Send>
    void attempt(const Write& write, const Send& send);
    OffloadHelper prepare_helper(const Settings& wanted, bool commit);
    bool choose_offload(bool any_offload, bool commit);
    void write();
    void change(Settings changed);

    Settings settings_;
    Link link_;
    std::optional<TableLock> lock_;
    QueueMethod method_ = QueueMethod::native;
    Origin origin_ = Origin::payload;
    Removal removal_ = Removal::ensure_and_remove;
    AcceptRules accept_rules_{link_, settings_};
    std::optional<Table> table_;
    std::unique_ptr<netlink::Channel> helper_channel_;  ///< only with a rule that offloads
    OffloadHelper offload_helper_ = OffloadHelper::unsupported;
    const std::vector<std::string> none_;
    std::size_t rules_of_table_ = 0;  ///< as installed
    Batch batch_;
};

}  // namespace sipalg::nft
