#include "alg/daemon/run/network.hpp"

#include <stdexcept>
#include <utility>

namespace sipalg::daemon {

namespace {

std::vector<std::string> values(const std::vector<Setting>& settings) {
    std::vector<std::string> names;
    names.reserve(settings.size());
    for (const Setting& setting : settings)
        names.push_back(setting.value);
    return names;
}

}  // namespace

std::vector<std::string> choose_outside(const Options& options, const Interfaces& interfaces) {
    return options.outside.empty() ? interfaces.with_default_route() : values(options.outside);
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
    if (choose_outside(options, interfaces).empty())
        throw std::runtime_error(
            "there is no default route to tell which interface is outside; name it with --outside");
}

Network::Network(const Options& options)
    : follows_routes_(options.outside.empty()),
      named_inside_(values(options.inside)),
      external_(options.external_addresses),
      interfaces_(rtnetlink_.read()),
      egress_([this](const Way& way) { return rtnetlink_.route(way); }) {
    check_interfaces(options, interfaces_);
    outside_ = choose_outside(options, interfaces_);
    egress_.set(interfaces_, outside_, external_);
    egress_.set_treatments(options.treatments);
}

Network::News Network::refresh() {
    const Rtnetlink::Changes changes = rtnetlink_.changes();
    if (changes.routes) egress_.flush();
    if (!changes.interfaces) return {};
    Interfaces now = rtnetlink_.read();
    if (now == interfaces_) return {};
    interfaces_ = std::move(now);
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
