#include "alg/daemon/control/warnings.hpp"

#include <algorithm>

#include "alg/doctor/findings.hpp"

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
    if (!status.offloading_chains.empty())
        found.push_back(
            doctor::sentence(doctor::offloaded_signalling(status.offloading_chains, status.sip_ports)));
    if (doctor::is_shared_address(status.source_ports, status.public_ports))
        found.push_back(doctor::sentence(doctor::shared_address(status.source_ports)));
    if (status.media_ports_left < doctor::enough_media_ports && status.public_ports.empty())
        found.push_back(doctor::sentence(doctor::scarce_media_ports(status.media_ports_left)));
    for (const std::string& name : status.for_restart)
        found.push_back("the option " + name +
                        " has changed in the configuration; it needs a restart of sipalgd");
    if (!status.media_counted) found.push_back(doctor::sentence(doctor::uncounted_packets()));
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
             " messages exceeded a limit and opened nothing; sipalgctl limits shows the limits");
    const auto kernel_refused = status.counters[static_cast<std::size_t>(Reason::kernel_refused)];
    warn(kernel_refused > 0,
         "the kernel refused the changes of " + number(kernel_refused) + " messages; the log has the reason");
    return found;
}

}  // namespace sipalg::daemon
