// The facts that `sipalgctl doctor` reads from the router, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alg/kernel/port_forward.hpp"
#include "alg/net/address.hpp"
#include "alg/net/port_range.hpp"
#include "nft/path_check.hpp"

namespace sipalg::doctor {

/// The subject of the examination: the settings of the running daemon, or the defaults.
struct Subject {
    bool serving = false;  ///< a daemon answers
    std::string table = "sipalg";
    std::vector<std::string> outside;  ///< interface names; none: those with a default route
    std::vector<std::string> inside;   ///< none: not known
    std::vector<std::uint16_t> sip_ports{5060};
    std::uint16_t media_low = 16384, media_high = 32767;
    std::vector<PortRange> public_ports;  ///< none: all
    std::uint16_t queue = 5060;
    std::vector<Address> advertised;    ///< addresses that messages name
    std::size_t tls_flows = 0;          ///< flows of TLS that the daemon has seen
    std::vector<std::string> warnings;  ///< of the daemon
    /// A device between the router and a peer, as the peer's responses show it.
    struct PathSign {
        std::string peer;
        std::string changed;     ///< "port", "address", "message"
        std::string left, seen;  ///< the value that left the router, and the one that the peer saw
    };
    std::vector<PathSign> path_signs;
    /// Peers that have sent no media in the latest of their calls, although the phone has.
    std::vector<std::string> silent_peers;
};

/// The effect of one of the owner's forward chains on the first packet through a pinhole. Only for chains
/// that can drop.
struct ForwardChain {
    std::string place;  ///< "FAMILY TABLE CHAIN"
    std::string
        drops;  ///< "IPv4", "IPv6", "IPv4 and IPv6"; empty: it accepts both, or has only one and accepts it
    bool some = false;         ///< a rule before the one that drops may accept some
    std::uint64_t handle = 0;  ///< of the rule that drops; 0: the policy
    std::string refused;       ///< why the accept rule can't be put there, and the remedy; empty: it can
};

struct OutsideInterface {
    std::string name;
    Address address;    ///< IPv4; none: the interface has no IPv4 address
    std::string vrf;    ///< the VRF that it is enslaved to; empty: none
    int rp_filter = 0;  ///< the value in force: 0 off, 1 strict, 2 loose
};

struct Facts {
    std::string no_tables;                     ///< why the ruleset can't be read; empty: it can
    std::string refused;                       ///< why the kernel would not accept our table; empty: it would
    std::string queue_method;                  ///< "native" or "compat"
    std::optional<std::string> kernel_helper;  ///< assigns the kernel's SIP helper; with the remedy
    std::vector<ForwardChain> chains;
    std::vector<nft::PathTrouble> path_troubles;  ///< of other chains, and of marks
    std::vector<std::string> flowtable_chains;    ///< the chains that offload signalling (A8)
    std::vector<PortForward> forwards;
    std::vector<PortRange> source_ports;  ///< to which rules of the owner translate sources
    bool leftover = false;                ///< our table exists, and no daemon has its lock
    std::size_t leftover_rules = 0;       ///< accept rules of ours without a table

    bool has_conntrack = true;
    /// Signalling over IPv6 whose inside source leaves with another address; none: no such flow exists.
    struct Translated {
        Endpoint inside, outside;
    };
    std::optional<Translated> translated_ipv6;
    std::uint64_t connections = 0, most_connections = 0;
    bool counted = true;  ///< nf_conntrack_acct
    bool forwards_ipv4 = true;
    std::vector<OutsideInterface> outside;
    std::size_t default_routes = 1;
    std::vector<std::string> mark_rules;  ///< as `ip rule` has them
    bool user_namespace = false;
    bool bridge_netfilter = false;  ///< bridged packets pass the router's hooks
    std::uint64_t queue_drops = 0;  ///< packets that the daemon's queues have lost
    int year = 2026;
    bool clock_synchronised = true;
};

/// Reads them. Needs CAP_NET_ADMIN; no_tables and refused report what can't be read. `root` is put before
/// /proc and /sys.
Facts collect(const Subject& subject, const std::string& root = "");

}  // namespace sipalg::doctor
