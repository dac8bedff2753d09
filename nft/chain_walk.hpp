// Follows one packet through a chain of the owner's rules.
//
// Theory of operation. A chain is followed rule by rule with one packet: UDP, new, in the original direction,
// from an outside interface to an inside one, with the mark of a pinhole, and over IPv4 translated to its
// destination. The result of any other comparison (addresses, ports, other marks, counters) is unknown: such
// a rule may match for some pinholes, so it is skipped, and only its verdict is noted.
#pragma once

#include <netinet/in.h>
// Kernel headers follow those of glibc.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "nft/byte_registers.hpp"
#include "nft/table_reader.hpp"

namespace sipalg::nft {

struct ForwardOutcome {
    bool accepted = false;  ///< else it is dropped
    /// The verdict of a skipped rule before the end, which some packets may meet.
    bool may_accept = false, may_drop = false;
    std::uint64_t handle = 0;  ///< of the rule in the base chain that decided; 0: the chain's policy
    friend bool operator==(const ForwardOutcome&, const ForwardOutcome&) = default;
};

/// The result of a chain for the packet.
enum class ChainResult : std::uint8_t { accept, drop, go_on };

/// The packet that is followed.
struct FollowedPacket {
    std::uint8_t family = NFPROTO_IPV4;
    std::uint8_t transport = IPPROTO_UDP;
    std::string from, to;  ///< interface names; empty: open
    std::uint32_t state = NF_CT_STATE_BIT(IP_CT_NEW);
    std::optional<std::uint32_t> status, mark;
    std::optional<std::uint8_t> direction;
    std::optional<std::uint16_t> source_port, destination_port;
};

class ChainWalk {
  public:
    ChainWalk(TableReader& reader, const FollowedPacket& packet) : reader_(reader), packet_(packet) {}

    ChainResult follow(const std::string& chain, int jumps);
    ForwardOutcome outcome;
    bool offloads = false;  ///< a rule that matches, or may match, puts the connection into a flowtable
    /// The handles of rules in the base chain; 0: none.
    std::uint64_t untracked_by = 0;     ///< keeps packets from conntrack, and matches or may match
    std::uint64_t mark_cleared_by = 0;  ///< matches, and takes the bit of pinholes from the packet's mark
    std::uint64_t translated_by = 0;    ///< translates the destination, and matches or may match

  private:
    enum class Match : std::uint8_t { yes, no, open };

    Match step(const nftnl_expr* expression);
    Match compare(const nftnl_expr* expression);
    Match in_range(const nftnl_expr* expression);
    Match look_up(const nftnl_expr* expression);
    Match match(const nftnl_expr* expression) const;
    void load_meta(const nftnl_expr* expression);
    void load_conntrack(const nftnl_expr* expression);
    void load_payload(const nftnl_expr* expression);
    void mask(const nftnl_expr* expression);
    /// Notes the effects of an expression of a rule that matches, or may match.
    void note_effects(const nftnl_expr* expression, Match held);
    bool clears_mark(const nftnl_expr* expression) const;
    /// The verdict of a rule that matches, or may match.
    std::optional<ChainResult> decide(std::int32_t verdict, const std::string& chain, Match held, int jumps);

    TableReader& reader_;
    const FollowedPacket& packet_;
    ByteRegisters registers_;
    std::optional<std::pair<std::int32_t, std::string>> mapped_;  ///< verdict of the last look-up
    int steps_ = 0;
};

}  // namespace sipalg::nft
