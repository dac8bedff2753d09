#include "alg/daemon/run/static_phones.hpp"

#include <utility>

#include "alg/daemon/config/log.hpp"

namespace sipalg::daemon {

std::vector<StaticPhone> static_endpoints(const Treatments& treatments,
                                          const std::vector<EgressChooser::End>& ends) {
    std::vector<StaticPhone> wanted;
    const auto at_each_end = [&](const Socket& inside) {
        const Address& phone = inside.endpoint.address;
        if (!treatments.is_translated(phone)) {
            wanted.push_back({inside, {phone, phone}});
            return;
        }
        for (const EgressChooser::End& end : ends)
            if (end.egress.address) wanted.push_back({inside, end.egress});
    };
    for (const Section& section : treatments.phones)
        for (const std::uint16_t port : section.treatment.listen)
            for (const Transport transport : {Transport::udp, Transport::tcp})
                at_each_end({transport, {section.prefix.address, port}});
    return wanted;
}

void StaticPhones::set(std::vector<StaticPhone> wanted) {
    wanted_ = std::move(wanted);
    next_ = Time{0};
}

std::optional<Time> StaticPhones::advance(Engine& engine, Time now) {
    if (wanted_.empty()) return std::nullopt;
    if (now < next_) return next_;
    next_ = now + every;
    for (const Event& event : engine.map_static_phones(wanted_, now))
        if (logged_.insert(event.subject + event.detail).second)
            log::warning("static phone not reachable: {}: {}", event.subject, event.detail);
    return next_;
}

}  // namespace sipalg::daemon
