// The part of the table that shows the daemon what it does not look after: TLS, and SIP on other ports.
#pragma once

#include <libnftnl/udata.h>

#include <string_view>
#include <vector>

#include "nft/rule.hpp"
#include "nft/ruleset.hpp"
#include "nft/table.hpp"

namespace sipalg::nft {

/// Chains for packets on TLS ports: those that begin a connection are queued to be looked at.
inline constexpr std::string_view hello_outward = "hello_outward", hello_inward = "hello_inward";

/// First bytes of SIP messages.
SetDefinition sip_words(Origin origin);
/// User data as nft writes it for a set whose key is the first bytes of a payload.
void describe_payload(nftnl_udata_buf* data, Origin origin);
/// The chains named above, and with Settings::find_sip those that look for SIP on all other ports.
void add_watching(std::vector<ChainDefinition>& chains, const Settings& settings, QueueMethod queue,
                  Origin origin);

}  // namespace sipalg::nft
