// The part of the table that queues packets for reports: the beginning of TLS connections (N4), and SIP on
// other ports (--find-sip).
#pragma once

#include <libnftnl/udata.h>

#include <string_view>
#include <vector>

#include "nft/rule.hpp"
#include "nft/settings.hpp"
#include "nft/table.hpp"

namespace sipalg::nft {

/// Chains for packets on TLS ports: they queue the packet that begins a connection.
inline constexpr std::string_view hello_outward = "hello_outward", hello_inward = "hello_inward";

/// The set of the first four bytes of SIP messages.
SetDefinition sip_words(Origin origin);
/// Adds the user data that nft writes for a set whose key is the first bytes of a payload.
void describe_payload(nftnl_udata_buf* data, Origin origin);
/// Adds the chains named above (N4), and with Settings::find_sip those that look for SIP on all other ports.
void add_tls_and_discovery(std::vector<ChainDefinition>& chains, const Settings& settings, QueueMethod queue,
                           Origin origin);

}  // namespace sipalg::nft
