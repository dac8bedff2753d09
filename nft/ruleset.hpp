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

namespace sipalg::nft {

/// Something that the kernel or the owner's ruleset does not allow. what() names the remedy.
class Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// How packets are queued to the daemon: nft's own `queue` statement, or the xtables NFQUEUE target through
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

/// What became of the accept rule in a chain of the owner.
struct AcceptPlace {
    enum class State : std::uint8_t {
        accepting,  ///< the rule is there
        absent,     ///< the chain is not there (yet)
        refused     ///< the rule can't be there
    };
    AcceptIn place;
    State state = State::accepting;
    std::string reason;  ///< unless accepting: why, and the remedy
    friend bool operator==(const AcceptPlace&, const AcceptPlace&) = default;
};

/// Bit of the conntrack mark that says "came through one of our pinholes"; documented for hand-written rules.
inline constexpr std::uint32_t pinhole_mark = 0x10000000;

/// Mark of the packets that the daemon itself sends to phones. Connection tracking must not see them: it
/// would take them for new connections.
inline constexpr std::uint32_t own_mark = 0x10000000;
/// Peers whose addresses share their first `length` bits; the other bits of `address` are zero.
struct Peers {
    Address address;
    std::uint8_t length = 0;
    friend auto operator<=>(const Peers&, const Peers&) = default;
};

/// What another program has removed of what install() made. If it is the table, some of its rules or
/// elements, packets have passed without the daemon.
enum class Missing : std::uint8_t { nothing, table };

struct Settings {
    std::string table = "sipalg";
    std::vector<std::string> outside;  ///< interface names; none: nothing is diverted or let in for now
    std::vector<std::string> inside;   ///< empty: every interface but those outside and loopback
    std::vector<std::uint16_t> sip_ports{5060};
    std::vector<std::uint16_t> tls_ports{5061};  ///< their ClientHellos are queued, to be reported
    bool find_sip = false;                       ///< also queue SIP on other ports, to report it
    std::vector<Peers> allowed;  ///< peers that may send to phones' signalling unasked (N3); no two overlap
    std::uint16_t queue = 5060;
    std::uint16_t queues = 1;  ///< as many consecutive queue numbers
    /// The queue of packets that are only reported.
    std::uint16_t watch_queue() const { return static_cast<std::uint16_t>(queue + queues); }
    /// The queue of connections that can't go on without the daemon (SequenceMapped, T4): its packets must
    /// not pass unread, not even when it is full.
    std::uint16_t shifted_queue() const { return static_cast<std::uint16_t>(queue + queues + 1); }
    std::vector<AcceptIn> accept_in;  ///< chains that the owner names; need not exist yet
    bool lock_optional = false;       ///< only for check(): another daemon may have the table
    bool accept_in_auto = false;      ///< find the chains that can drop (see accept_rules.hpp)
};

/// The table of one daemon in this network namespace. Every change is one atomic batch, and the kernel has
/// confirmed its outcome when the call returns (P4). Not thread-safe. The destructor only closes sockets;
/// remove() removes the table from the kernel.
class Ruleset {
  public:
    /// Opens the netlink sockets and locks the table's name in this network namespace. Throws Error: no
    /// CAP_NET_ADMIN, another daemon owns the table, a foreign table has that name, a kernel `sip` conntrack
    /// helper is in use (X10), an --accept-in chain is of a kind that can't accept forwarded packets.
    explicit Ruleset(Settings settings);
    ~Ruleset();
    Ruleset(const Ruleset&) = delete;
    Ruleset& operator=(const Ruleset&) = delete;

    QueueMethod queue_method() const;
    /// The table is this process's. False only with Settings::lock_optional: a running daemon has it.
    bool has_lock() const;
    /// Whether rules can look into TCP segments. Kernels before 5.16 can't: TLS over TCP, and SIP over TCP on
    /// other ports, are not reported there.
    bool sees_streams() const;
    /// The chains of the owner in which pinholed traffic should be accepted, after install(), check() or
    /// follow().
    const std::vector<AcceptPlace>& accept_places() const;
    /// Those of them that have the rule.
    std::vector<AcceptIn> accepting_chains() const;

    /// Whether the kernel would take the whole table; nothing is changed. accept_places() tells of the accept
    /// rules. Throws Error with the refusal.
    void check() const;
    /// Installs the table, then the accept rules. Elements of an earlier run stay (A5); everything else of
    /// ours (chains, rules, interface sets) is replaced in one batch. Throws Error; a refused accept rule is
    /// no error.
    void install();
    /// Removes the table and the accept rules, as far as they are there. Throws Error.
    void remove();

    /// Whether any program but this one has changed nftables since the last call, by the kernel's count of
    /// transactions. The first call returns true. Throws Error.
    bool changed_by_others();
    /// What other programs have removed since install(): the table, rules of it, or all elements of a set,
    /// for example by `nft flush ruleset`. `expected` are the elements that should be there. Mend it by
    /// install() and apply(). Throws Error.
    Missing missing(std::span<const Change> expected) const;
    /// Brings the accept rules in line with the owner's ruleset as it is now. Returns the places that got
    /// their rule, or whose state changed, since the last call; those of install() are among them. Throws
    /// Error.
    std::vector<AcceptPlace> follow();

    /// X10: what assigns the kernel's own SIP helper now, and the command that ends it; nullopt: nothing
    /// does. Throws Error.
    std::optional<std::string> kernel_helper() const;

    /// The netlink port by which a Monitor tells our transactions from those of other programs.
    std::uint32_t port() const;

    /// Replaces the outside interfaces. Throws Error.
    void set_outside(const std::vector<std::string>& interfaces);

    /// Replaces the allowed peers (N3). Throws Error.
    void set_allowed(const std::vector<Peers>& peers);

    /// All elements in the table, of an earlier run or this one (A5). Throws Error.
    std::vector<StoredElement> read() const;

    /// The sources that latches have let in and that have not been removed since (C5). Throws Error.
    std::vector<LatchedSource> read_learned() const;

    /// Applies the changes as one transaction and waits for the kernel's answer (law 1). On success all of it
    /// is in force; otherwise none of it, and the error is the kernel's refusal for people.
    Result<> apply(std::span<const Change> changes);

    /// The ruleset as text in nft's syntax, as `--check` prints it and nft/sipalg.nft documents it.
    std::string text() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sipalg::nft
