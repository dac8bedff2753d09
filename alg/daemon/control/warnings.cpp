#include "alg/daemon/control/warnings.hpp"

#include <algorithm>

namespace sipalg::daemon {

std::vector<std::string> warnings(const Status& status) {
    std::vector<std::string> found;
    const auto warn = [&](bool condition, std::string text) {
        if (condition) found.push_back(std::move(text));
    };
    const auto number = [](std::uint64_t value) { return std::to_string(value); };
    const bool any_address =
        std::any_of(status.ends.begin(), status.ends.end(),
                    [](const EgressChooser::End& end) { return static_cast<bool>(end.egress.address); });
    warn(!any_address, "no outside interface has an IPv4 address: messages over IPv4 stay unmodified");
    if (auto scarce = scarce_media_ports(status.media_ports_left)) found.push_back(*std::move(scarce));
    for (const std::string& name : status.for_restart)
        found.push_back("the option " + name +
                        " has changed in the configuration; it needs a restart of sipalgd");
    warn(!status.media_counted,
         "conntrack does not count packets, so silence in a call is not detected; run: sysctl -w "
         "net.netfilter.nf_conntrack_acct=1 (for new connections)");
    warn(!status.sees_streams,
         "this kernel (older than 5.16) cannot match TCP payload: TLS over TCP is not reported");
    warn(status.queue_overflows > 0, "the queue overflowed " + number(status.queue_overflows) +
                                         " times: messages passed unmodified or were lost");
    warn(status.lost_verdicts > 0,
         number(status.lost_verdicts) + " verdicts never reached the kernel: their packets are lost");
    warn(status.refused_verdicts > 0, "the kernel refused " + number(status.refused_verdicts) +
                                          " verdicts: see sipalgd(8), user namespaces");
    const auto limit_reached = status.counters[static_cast<std::size_t>(Reason::limit_reached)];
    warn(limit_reached > 0,
         number(limit_reached) +
             " messages met a limit and opened nothing; sipalgctl limits shows the limits");
    const auto kernel_refused = status.counters[static_cast<std::size_t>(Reason::kernel_refused)];
    warn(kernel_refused > 0,
         "the kernel refused the changes of " + number(kernel_refused) + " messages; the log has the reason");
    return found;
}

// X12
std::optional<std::string> scarce_media_ports(std::size_t left) {
    if (left >= 256) return std::nullopt;
    return "the port forwards of the ruleset leave " + std::to_string(left) +
           " ports for media; choose a range without forwards with media-ports";
}

}  // namespace sipalg::daemon
