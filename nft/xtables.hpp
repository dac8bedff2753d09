// Matches and targets of x_tables in rules, as iptables-nft writes them.
//
// Each function appends one expression to the rule. All throw std::bad_alloc.
#pragma once

#include <libnftnl/rule.h>

#include <cstdint>
#include <string_view>

namespace sipalg::nft {

/// The connection's mark has `bit`.
void match_connmark(nftnl_rule* rule, std::uint32_t bit);
/// The packet goes in the direction of the connection's first packet.
void match_original_direction(nftnl_rule* rule);
/// Always matches. The kernel keeps at most 255 bytes of `text`.
void match_comment(nftnl_rule* rule, std::string_view text);
/// Queues to one of `total` queues from `number` on. If the queue has no reader, the packet is accepted with
/// `bypass`, else dropped.
void target_nfqueue(nftnl_rule* rule, std::uint16_t number, std::uint16_t total, bool bypass);

}  // namespace sipalg::nft
