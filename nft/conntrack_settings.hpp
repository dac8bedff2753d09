// Conntrack's settings, which determine the meaning of its timeouts and counters.
#pragma once

#include <cstdint>
#include <string>

#include "alg/base/time.hpp"

namespace sipalg::nft {

/// net.netfilter.nf_conntrack_udp_timeout and ..._udp_timeout_stream. Each packet sets an entry's timeout to
/// one of these values, so the remaining timeout shows when the last packet arrived.
struct UdpTimeouts {
    Seconds single{30};
    Seconds stream{120};

    /// Time since the last packet of an entry with this status (IPS_…) and this remaining timeout; zero if
    /// that is longer than the settings allow.
    Seconds idle(std::uint32_t status, Seconds left) const;
};

constexpr const char* conntrack_settings = "/proc/sys/net/netfilter/";

/// Reads the settings; uses the kernel's default for a setting that cannot be read.
UdpTimeouts read_udp_timeouts(const std::string& directory = conntrack_settings);
/// Whether new entries count their packets (net.netfilter.nf_conntrack_acct).
bool conntrack_counts(const std::string& directory = conntrack_settings);

}  // namespace sipalg::nft
