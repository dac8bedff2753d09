#include "alg/daemon/run/network.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include "alg/daemon/run/rtnetlink.hpp"

namespace sipalg::daemon {

namespace {

std::vector<std::string> values(const std::vector<Setting>& settings) {
    std::vector<std::string> names;
    names.reserve(settings.size());
    for (const Setting& setting : settings)
        names.push_back(setting.value);
    return names;
}

// Packets of a VRF pass the prerouting hook with the VRF device as their interface, so no rule would see
// them.
constexpr const char* in_vrf =
    "belongs to a VRF, which sipalgd does not serve; take it out with "
    "`ip link set dev NAME nomaster`, or run sipalgd on a router without VRF";

}  // namespace

std::vector<std::string> choose_outside(const Options& options, const Interfaces& interfaces) {
    if (!options.outside.empty()) return values(options.outside);
    std::vector<std::string> names = interfaces.with_default_route();
    // A default route of a VRF is for the packets of that VRF only.
    std::erase_if(names, [&](const std::string& name) { return interfaces.find(name)->in_vrf; });
    return names;
}

void check_interfaces(const Options& options, const Interfaces& interfaces) {
    for (const auto* settings : {&options.outside, &options.inside})
        for (const Setting& setting : *settings)
            if (interfaces.find(setting.value) == nullptr) {
                std::string others;
                for (const std::string& name : interfaces.without({}))
                    others += (others.empty() ? "" : ", ") + name;
                throw complaint(setting, "does not exist; there are: " + (others.empty() ? "none" : others));
            }
    for (const Setting& setting : options.outside)
        if (interfaces.find(setting.value)->in_vrf) throw complaint(setting, in_vrf);
    if (!choose_outside(options, interfaces).empty()) return;
    const auto with_route = interfaces.with_default_route();
    if (!with_route.empty())
        throw std::runtime_error("the outside interface " + with_route.front() + " " + in_vrf);
    throw std::runtime_error("no default route, so the outside interface is unknown; name it with --outside");
}

Network::Network(const Options& options) : Network(options, std::make_unique<Rtnetlink>()) {}

Network::Network(const Options& options, std::unique_ptr<Routing> routing)
    : follows_routes_(options.outside.empty()),
      named_inside_(values(options.inside)),
      external_(options.external_addresses),
      routing_(std::move(routing)),
      interfaces_(routing_->read()),
      egress_([this](const RouteQuery& query) { return routing_->route(query); }) {
    check_interfaces(options, interfaces_);
    outside_ = choose_outside(options, interfaces_);
    egress_.set(interfaces_, outside_, external_);
    egress_.set_treatments(options.treatments);
}

bool Network::leads_outside(const Address& address) const {
    const unsigned index = routing_->route({{}, address, 0}).value_or(0);
    const auto& ends = egress_.ends();
    return index != 0 && std::any_of(ends.begin(), ends.end(),
                                     [&](const EgressChooser::End& end) { return end.index == index; });
}

Result<Network::News> Network::refresh(Time now) {
    const Routing::Changes changes = routing_->changes();
    if (changes.routes) egress_.flush();
    const bool retry = retry_at_ && now >= *retry_at_;
    if (!changes.interfaces && !retry) return News{};
    Interfaces current;
    try {
        current = routing_->read();
    } catch (const std::exception& error) {
        pause_ = retry_at_ ? std::min(2 * pause_, last_retry) : first_retry;
        retry_at_ = now + pause_;
        return Failure{std::string(error.what())};
    }
    retry_at_.reset();
    if (current == interfaces_) return News{};
    interfaces_ = std::move(current);
    News news{true, false};
    if (follows_routes_) {
        auto outside = interfaces_.with_default_route();
        news.outside = !outside.empty() && outside != outside_;
        if (news.outside) outside_ = std::move(outside);
    }
    egress_.set(interfaces_, outside_, external_);
    return news;
}

void Network::set_external(const std::vector<Address>& external) {
    external_ = external;
    egress_.set(interfaces_, outside_, external_);
}

std::vector<std::string> Network::inside() const {
    return named_inside_.empty() ? interfaces_.without(outside_) : named_inside_;
}

}  // namespace sipalg::daemon
