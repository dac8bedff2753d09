#include "nft/conntrack_settings.hpp"

#include <linux/netfilter/nf_conntrack_common.h>

#include <algorithm>

#include "alg/sys/number_file.hpp"

namespace sipalg::nft {

Seconds UdpTimeouts::idle(std::uint32_t status, Seconds left) const {
    // An entry becomes assured and gets the stream's timeout after replies for more than two seconds.
    const Seconds whole = (status & IPS_ASSURED) != 0 ? stream : single;
    return std::max(Seconds{0}, whole - left);
}

UdpTimeouts read_udp_timeouts(const std::string& directory) {
    UdpTimeouts timeouts;
    if (const auto value = read_number(directory + "nf_conntrack_udp_timeout"))
        timeouts.single = Seconds{*value};
    if (const auto value = read_number(directory + "nf_conntrack_udp_timeout_stream"))
        timeouts.stream = Seconds{*value};
    return timeouts;
}

bool conntrack_counts(const std::string& directory) {
    return read_number(directory + "nf_conntrack_acct").value_or(0) != 0;
}

}  // namespace sipalg::nft
