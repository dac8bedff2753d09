// Determines what the owner's chains do to packets where the accept rule does not reach: outside the filter
// chains of the forward hook (A4, O3). The hooks below IP are in device_check.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nft/link.hpp"
#include "nft/listing.hpp"
#include "nft/table_reader.hpp"

namespace sipalg::nft {

struct PathTrouble {
    enum class Kind : std::uint8_t {
        drops,          ///< drops packets that have the mark of a pinhole
        drops_before,   ///< the same at a priority at which they have no mark yet
        clears_mark,    ///< takes the mark from them before a chain that would accept it
        untracks,       ///< keeps signalling from conntrack
        translates,     ///< translates the destination of signalling from outside before sipalg does
        drops_below_ip  ///< drops signalling or media in a hook of a device, or of the family bridge
    };
    Kind kind = Kind::drops;
    AcceptIn place;
    std::string hook;          ///< "prerouting", "forward", "ingress" …
    std::string families;      ///< "IPv4", "IPv6", "IPv4 and IPv6"
    std::uint64_t handle = 0;  ///< of the rule in the base chain; 0: its policy
    std::string traffic;       ///< of drops_below_ip: the packets
    friend bool operator==(const PathTrouble&, const PathTrouble&) = default;
};

struct PathEnds {
    std::string from, to;  ///< interface names, outside and inside; empty: not known
    std::vector<std::uint16_t> sip_ports;
};

/// Only what is certain for every pinhole; for signalling also what depends on its addresses and interfaces.
/// `accepting`: the forward chains with an accept rule. Leaves out the chains of table inet `own_table`.
/// Throws Error.
std::vector<PathTrouble> check_path(Link& link, const std::vector<ChainSeen>& chains,
                                    const std::vector<AcceptIn>& accepting, const std::string& own_table,
                                    const PathEnds& ends);

/// The rule in the base chain that translates the destination of signalling from outside before sipalg sees
/// it; 0: none. For tests with a table of their own.
std::uint64_t translating_rule(TableReader& table, const ChainSeen& chain, std::uint8_t family,
                               const PathEnds& ends);

/// The nft command that puts a rule at the head of a chain that accepts what has the mark of a pinhole.
/// `place`: family, table and chain, see describe().
std::string nft_accept_command(const std::string& place);
/// The same by iptables where the chain is one of iptables' own.
std::string accept_command(const AcceptIn& place);

}  // namespace sipalg::nft
