// The settings of the daemon's nftables table, and the errors about them.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "alg/net/address.hpp"

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

}  // namespace sipalg::nft
