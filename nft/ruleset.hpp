// The daemon's nftables table: what it is made of, how it comes, changes and goes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "alg/kernel/element.hpp"

namespace sipalg::nft {

/// Something the kernel or the administrator's ruleset does not allow. what() says what to do about it.
class Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// How packets get to the daemon: nft's own `queue` statement, or the xtables NFQUEUE target through
/// nft_compat.
enum class QueueMethod : std::uint8_t { native, compat };
std::string name(QueueMethod method);  ///< "native", "compat"

/// A base chain of the administrator in which pinholed traffic must be accepted (A4).
struct AcceptIn {
    std::string family;  ///< "ip", "ip6", "inet"
    std::string table;
    std::string chain;
    friend auto operator<=>(const AcceptIn&, const AcceptIn&) = default;
};

/// Bit of the conntrack mark that says "came through one of our pinholes"; documented for hand-written rules.
inline constexpr std::uint32_t pinhole_mark = 0x10000000;

/// Mark of the packets that the daemon sends to phones itself: connection tracking is not to take them for
/// new connections.
inline constexpr std::uint32_t own_mark = 0x10000000;
/// Peers that share the first bits of their addresses; bits behind are zero.
struct Peers {
    Address address;
    std::uint8_t length = 0;
    friend auto operator<=>(const Peers&, const Peers&) = default;
};

/// What is gone of what install() made. Where the table is, or some of its rules, packets have passed it by.
enum class Missing : std::uint8_t { nothing, accept_rules, table };

struct Settings {
    std::string table = "sipalg";
    std::vector<std::string> outside;  ///< interface names; none: nothing is diverted or let in for now
    std::vector<std::string> inside;   ///< empty: every interface but those outside and loopback
    std::vector<std::uint16_t> sip_ports{5060};
    std::vector<std::uint16_t> tls_ports{5061};  ///< of which ClientHellos are shown to the daemon
    bool find_sip = false;                       ///< so is what looks like SIP on all other ports
    std::vector<Peers> allowed;  ///< who may send to phones' signalling unasked; no two overlap
    std::uint16_t queue = 5060;
    std::uint16_t queues = 1;  ///< as many consecutive queue numbers
    /// The queue of what is only watched.
    std::uint16_t watch_queue() const { return static_cast<std::uint16_t>(queue + queues); }
    /// The queue of connections that can't go on without the daemon (SequenceMapped): its packets must not
    /// pass unread, not even when it is full.
    std::uint16_t shifted_queue() const { return static_cast<std::uint16_t>(queue + queues + 1); }
    std::vector<AcceptIn> accept_in;  ///< may be empty
    bool lock_optional = false;       ///< only for check(): another daemon may have the table
    bool accept_in_auto = false;      ///< find base chains of the forward hook by itself
};

/// The table of one daemon in this network namespace. Every change is one atomic batch whose outcome the
/// kernel has confirmed when the call returns (P4). Not thread-safe. The destructor closes sockets only;
/// remove() takes things out of the kernel.
class Ruleset {
  public:
    /// Opens the netlink sockets and takes the name of the table for this process in this network namespace.
    /// Throws Error: no CAP_NET_ADMIN, another daemon owns the table, somebody else's table of that name,
    /// a kernel `sip` conntrack helper in use (X10), an --accept-in chain that does not exist.
    explicit Ruleset(Settings settings);
    ~Ruleset();
    Ruleset(const Ruleset&) = delete;
    Ruleset& operator=(const Ruleset&) = delete;

    QueueMethod queue_method() const;
    /// The table is this process's. False only with Settings::lock_optional: a daemon runs that has it.
    bool has_lock() const;
    /// Whether the rules can look into TCP segments; kernels before 5.16 can't, and TLS and SIP over TCP on
    /// ports that are only watched are not seen.
    bool sees_streams() const;
    /// The chains that carry (or would carry) the tagged accept rule; with `auto`, those that were found.
    const std::vector<AcceptIn>& accepting_chains() const;

    /// Whether the kernel would take the whole table; nothing is changed. Throws Error with the refusal.
    void check() const;
    /// Puts table and accept rules in place. Elements of an earlier run of ours (A5) stay; everything else of
    /// ours (chains, rules, interface sets) is made anew in the same batch. Throws Error.
    void install();
    /// Takes the table and the accept rules out; what is already gone is fine. Throws Error.
    void remove();

    /// What others have taken since install(). A reload of the administrator's ruleset (`nft flush ruleset`)
    /// takes it away silently; install() puts it back, without the elements that went with the table. For
    /// when a Monitor has heard something, and for a timer of some seconds. Throws Error.
    Missing missing() const;

    /// By which a Monitor tells our transactions from those of others.
    std::uint32_t port() const;

    /// The interfaces changed (default route moved, --outside came up). Throws Error.
    void set_outside(const std::vector<std::string>& interfaces);

    /// Other peers are allowed. Throws Error.
    void set_allowed(const std::vector<Peers>& peers);

    /// All elements that are there now, of an earlier run or this one. Throws Error.
    std::vector<StoredElement> read() const;

    /// Whom latches have let in since it was last taken away. Throws Error.
    std::vector<LatchedSource> read_learned() const;

    /// Applies the changes as one transaction and waits for the kernel's word. Returns std::nullopt when all
    /// of it is in force; otherwise the kernel's refusal, and nothing of it is in force.
    std::optional<std::string> apply(std::span<const Change> changes);

    /// The ruleset as text in nft's syntax, as `--check` prints it and nft/sipalg.nft documents it.
    std::string text() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sipalg::nft
