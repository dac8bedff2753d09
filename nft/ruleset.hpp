// The daemon's nftables table: installing, changing and removing it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "alg/base/result.hpp"
#include "alg/kernel/element.hpp"
#include "alg/kernel/port_forward.hpp"

namespace sipalg::nft {

/// An error of the kernel or of the owner's ruleset. what() names the remedy.
class Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Settings that can't work on any kernel. what() names the option.
class SettingsError : public Error {
  public:
    using Error::Error;
};

/// The statement that queues packets to the daemon: nft's own `queue`, or the xtables target NFQUEUE through
/// nft_compat.
enum class QueueMethod : std::uint8_t { native, compat };
std::string name(QueueMethod method);  ///< "native", "compat"

/// A base chain of the owner in which pinholed traffic must be accepted (A4).
struct AcceptIn {
    std::string family;  ///< "ip", "ip6", "inet"
    std::string table;
    std::string chain;
    friend auto operator<=>(const AcceptIn&, const AcceptIn&) = default;
};

/// "FAMILY TABLE CHAIN".
std::string describe(const AcceptIn& place);

/// The state of the accept rule in a chain of the owner.
struct AcceptPlace {
    enum class State : std::uint8_t {
        accepting,  ///< the rule exists
        needless,   ///< the chain cannot drop
        absent,     ///< the chain does not exist (yet)
        refused     ///< the chain cannot have the rule
    };
    AcceptIn place;
    State state = State::accepting;
    std::string reason;  ///< unless accepting: the reason; unless needless: with the remedy
    friend bool operator==(const AcceptPlace&, const AcceptPlace&) = default;
};

/// The bit of the conntrack mark for connections that came through a pinhole; documented for rules of the
/// owner.
inline constexpr std::uint32_t pinhole_mark = 0x10000000;

/// The mark of packets that the daemon sends to phones. They bypass connection tracking, which would take
/// them for new connections.
inline constexpr std::uint32_t own_mark = 0x10000000;
/// Set in the mark of a queued packet if conntrack has seen its connection in both directions (X11). The
/// verdict clears it.
inline constexpr std::uint32_t established_mark = 0x10000000;
/// Peers whose addresses share their first `length` bits; the other bits of `address` are zero.
struct Peers {
    Address address;
    std::uint8_t length = 0;
    friend auto operator<=>(const Peers&, const Peers&) = default;
};

/// The objects of install() that another program has removed. If the table, rules or elements are missing,
/// packets have passed without the daemon.
enum class Missing : std::uint8_t { nothing, table };

/// The hosts with settings of their own. In a list, no two overlap.
struct Hosts {
    std::vector<Peers> allowed;        ///< peers that may send to phones' signalling unasked (N3)
    std::vector<Peers> any_interface;  ///< phones that need no route back to them (X12)
    friend bool operator==(const Hosts&, const Hosts&) = default;
};

struct Settings {
    std::string table = "sipalg";
    std::vector<std::string> outside;  ///< interface names; empty: nothing is diverted or let in
    std::vector<std::string> inside;   ///< empty: every interface but those outside and loopback
    std::vector<std::uint16_t> sip_ports{5060};
    std::vector<std::uint16_t> tls_ports{5061};  ///< their ClientHellos are queued, for reports
    bool find_sip = false;                       ///< also queue SIP on other ports, for reports
    Hosts hosts;
    std::uint16_t queue = 5060;
    std::uint16_t queues = 1;  ///< the number of consecutive queues
    /// The queue for packets that are only reported.
    std::uint16_t watch_queue() const { return static_cast<std::uint16_t>(queue + queues); }
    /// The queue for connections that need the daemon (SequenceMapped, T4): their packets must not pass
    /// unread, even if the queue is full.
    std::uint16_t shifted_queue() const { return static_cast<std::uint16_t>(queue + queues + 1); }
    std::vector<AcceptIn> accept_in;  ///< chains named by the owner, which need not exist yet
    bool lock_optional = false;       ///< only for check(): another daemon may own the table
    bool accept_in_auto = false;      ///< find the chains that can drop (see accept_rules.hpp)
    /// Signalling gets the helper that keeps it out of flowtables (see offload_helper.hpp). Ruleset sets it.
    bool keep_out_of_flowtables = false;
};

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
    ~Ruleset();
    Ruleset(const Ruleset&) = delete;
    Ruleset& operator=(const Ruleset&) = delete;

    QueueMethod queue_method() const;
    /// Whether this process owns the table. False only with Settings::lock_optional, if a running daemon owns
    /// it.
    bool has_lock() const;
    /// Whether rules can match the payload of TCP segments, which needs kernel 5.16. On older kernels TLS
    /// over TCP, and SIP over TCP on other ports, are not reported.
    bool sees_streams() const;
    /// The chains of the owner that should accept pinholed traffic, as of install(), check() or follow().
    const std::vector<AcceptPlace>& accept_places() const;
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
    Missing missing(std::span<const Change> expected) const;
    /// Updates the accept rules to the present ruleset of the owner. Returns the chains that have got their
    /// rule, or whose state has changed, since the last call, including those of install(). Throws Error.
    std::vector<AcceptPlace> follow();

    /// X10: the rule or setting that assigns the kernel's own SIP helper, and the command that removes it;
    /// nullopt: none. Throws Error.
    std::optional<std::string> kernel_helper() const;

    /// A8: the owner's chains, as "FAMILY TABLE CHAIN", that offload signalling to a flowtable, after
    /// install(), check() or follow(). Empty if the kernel can keep signalling out of flowtables.
    const std::vector<std::string>& offloading_chains() const;
    /// A8: whether the table keeps new signalling flows out of flowtables, after install() or follow(). It
    /// does so only while some rule says `flow add`. Older flows are still offloaded.
    bool keeps_out_of_flowtables() const;

    /// X12: the ports that the owner's ruleset forwards for packets that come from outside. Throws Error.
    std::vector<PortForward> port_forwards() const;

    /// The netlink port of this process's transactions, for Monitor.
    std::uint32_t port() const;

    /// Replaces the outside interfaces. Throws Error.
    void set_outside(const std::vector<std::string>& interfaces);

    /// Replaces the hosts with settings of their own (N3, X12). Throws Error.
    void set_hosts(const Hosts& hosts);

    /// All elements in the table, of an earlier run or this one (A5). Throws Error.
    std::vector<StoredElement> read() const;

    /// The sources that latches have let in and that were not removed yet (C5). Throws Error.
    std::vector<LatchedSource> read_learned() const;

    /// The port of the phone behind a public endpoint, for a UDP flow that the phone has begun in the last
    /// minutes; nullopt: none is known (S2). Throws Error.
    std::optional<std::uint16_t> inside_port(const Endpoint& outside, const Address& phone) const;

    /// A9: the kernel notes the uplink of the next packet of this flow and drops it, if it comes within two
    /// seconds. Throws Error.
    void ask_uplink(const ConntrackTuple& flow);
    /// The interface that was noted for the flow; nullopt: none yet. Throws Error.
    std::optional<std::string> uplink_of(const ConntrackTuple& flow) const;

    /// Applies the changes as one transaction and waits for the kernel's answer (law 1). On success all
    /// changes are in force; otherwise none is, and the error is the kernel's refusal as a text for people.
    Result<> apply(std::span<const Change> changes);

    /// The ruleset in nft's syntax, as printed by `--check=rules` and documented in nft/sipalg.nft.
    std::string text() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sipalg::nft
