// How conntrack is set: what its timeouts and counters mean.
#pragma once

#include <cstdint>
#include <string>

#include "alg/base/time.hpp"

namespace sipalg::nft {

/// net.netfilter.nf_conntrack_udp_timeout and ..._udp_timeout_stream. Every packet sets an entry's time back
/// to one of them, so what is left tells when the last one came.
struct UdpTimeouts {
    Seconds single{30};
    Seconds stream{120};

    /// Time since the last packet of an entry with this status (IPS_…) and so much time left; zero if it has
    /// more left than these settings give.
    Seconds idle(std::uint32_t status, Seconds left) const;
};

constexpr const char* conntrack_settings = "/proc/sys/net/netfilter/";

/// The kernel's defaults where a setting can't be read.
UdpTimeouts read_udp_timeouts(const std::string& directory = conntrack_settings);
/// Whether new entries count their packets (net.netfilter.nf_conntrack_acct).
bool conntrack_counts(const std::string& directory = conntrack_settings);

}  // namespace sipalg::nft
