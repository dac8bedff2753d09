// The sockets of the router's own programs (X2).
#pragma once

#include <string_view>
#include <vector>

#include "alg/net/address.hpp"

namespace sipalg::daemon {

/// The local endpoints in a table of /proc/net (udp, udp6, tcp, tcp6). An IPv4-mapped address is returned as
/// IPv4, and the IPv6 wildcard for both families, because such a socket usually accepts both. Lines in
/// another format are skipped.
void parse_proc_net(std::string_view text, Transport transport, std::vector<Socket>& sockets);

/// All UDP and TCP sockets of this network namespace, each local endpoint once.
std::vector<Socket> own_sockets();

}  // namespace sipalg::daemon
