// Reads the chains and rules of all programs from the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alg/net/port_range.hpp"
#include "nft/link.hpp"
#include "nft/settings.hpp"

namespace sipalg::nft {

/// A chain in the kernel's listing.
struct ChainSeen {
    AcceptIn place;
    std::uint8_t family = 0;           ///< NFPROTO_…
    std::string type;                  ///< empty: not a base chain
    std::uint32_t hook = 0;            ///< NF_INET_…, of a base chain
    std::int32_t priority = 0;         ///< of a base chain
    bool drops = false;                ///< its policy is drop
    std::vector<std::string> devices;  ///< of the ingress and egress hooks
};

/// The properties of a rule that matter for accept rules.
struct RuleSeen {
    AcceptIn place;
    std::uint8_t family = 0;
    std::uint64_t handle = 0;
    std::string comment;                    ///< nft's, or that of the x_tables match `comment`
    bool drops = false;                     ///< has the verdict drop, or a reject
    bool offloads = false;                  ///< puts connections into a flowtable
    bool original_only = false;             ///< matches a direction of the connection
    std::optional<PortRange> source_ports;  ///< to which it translates sources
    std::vector<std::string> targets;       ///< chains that it jumps or goes to
    std::vector<std::string> verdict_maps;  ///< maps in which it looks up a verdict
};

/// The verdicts of a map.
struct VerdictsSeen {
    bool drops = false;
    std::vector<std::string> targets;
};

/// "ip", "inet" … of NFPROTO_…, and back; nullopt: not a family of nft.
std::string family_name(std::uint8_t family);
std::optional<std::uint8_t> family_number(const std::string& name);

/// These functions throw Error.
std::vector<ChainSeen> list_chains(Link& link);
/// All chains except those of table inet `except`.
std::vector<RuleSeen> list_rules(Link& link, const std::string& except);
/// Whether one of them offloads connections.
bool any_that_offloads(const std::vector<RuleSeen>& rules);
/// The ports to which they translate sources, sorted, each range once.
std::vector<PortRange> source_ports_of(const std::vector<RuleSeen>& rules);
VerdictsSeen list_verdicts(Link& link, std::uint8_t family, const std::string& table, const std::string& map);
/// The number of rules in a table of family inet.
std::size_t count_rules(Link& link, const std::string& table);

}  // namespace sipalg::nft
