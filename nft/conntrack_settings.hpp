// Conntrack's settings, which decide what its timeouts and counters mean.
#pragma once

#include <cstdint>
#include <string>

#include "alg/base/time.hpp"

namespace sipalg::nft {

/// net.netfilter.nf_conntrack_udp_timeout and ..._udp_timeout_stream. Every packet resets an entry's timeout
/// to one of them, so the rest of it tells when the last packet came.
struct UdpTimeouts {
    Seconds single{30};
    Seconds stream{120};

    /// Time since the last packet of an entry with this status (IPS_…) and this rest of its timeout; zero if
    /// the rest is longer than these settings allow.
    Seconds idle(std::uint32_t status, Seconds left) const;
};

constexpr const char* conntrack_settings = "/proc/sys/net/netfilter/";

/// Reads them; the kernel's defaults where a setting can't be read.
UdpTimeouts read_udp_timeouts(const std::string& directory = conntrack_settings);
/// Whether new entries count their packets (net.netfilter.nf_conntrack_acct).
bool conntrack_counts(const std::string& directory = conntrack_settings);

}  // namespace sipalg::nft
