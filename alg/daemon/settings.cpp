#include "alg/daemon/settings.hpp"

namespace sipalg::daemon {

Policy policy_of(const Options& options) {
    Policy policy;
    static_cast<Limits&>(policy) = options.limits;
    policy.emergency_numbers.insert(policy.emergency_numbers.end(), options.emergency_numbers.begin(),
                                    options.emergency_numbers.end());
    policy.drop_malformed = options.drop_malformed;
    policy.media_low = options.media_low;
    policy.media_high = options.media_high;
    policy.public_ports = options.public_ports;
    policy.sip_ports = options.sip_ports;
    policy.treatments = options.treatments;
    return policy;
}

std::string state_path(const Options& options) {
    if (!options.state.empty()) return options.state;
    return options.control.substr(0, options.control.rfind('/') + 1) + "state";
}

nft::Hosts hosts_of(const Treatments& treatments) {
    const auto listed = [](const std::vector<Prefix>& prefixes) {
        std::vector<nft::Peers> all;
        all.reserve(prefixes.size());
        for (const Prefix& prefix : prefixes)
            all.push_back({prefix.address, prefix.length});
        return all;
    };
    return {listed(treatments.allowed_peers()), listed(treatments.any_interface_phones())};
}

nft::Settings ruleset_settings(const Options& options, const std::vector<std::string>& outside) {
    nft::Settings settings;
    settings.table = options.table;
    settings.outside = outside;
    for (const Setting& inside : options.inside)
        settings.inside.push_back(inside.value);
    settings.sip_ports = options.sip_ports;
    settings.tls_ports = options.tls_ports;
    settings.find_sip = options.find_sip;
    settings.queue = options.queue;
    settings.hosts = hosts_of(options.treatments);
    settings.accept_in = options.accept_in;
    settings.accept_in_auto = options.accept_in_auto;
    return settings;
}

}  // namespace sipalg::daemon
