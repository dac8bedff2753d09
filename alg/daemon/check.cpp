#include "alg/daemon/check.hpp"

#include <ostream>
#include <string>
#include <vector>

#include "alg/daemon/control/access.hpp"
#include "alg/daemon/control/warnings.hpp"
#include "alg/daemon/daemon.hpp"
#include "alg/daemon/run/privileges.hpp"
#include "alg/daemon/settings.hpp"
#include "alg/nat/port_forwards.hpp"
#include "nft/conntrack_settings.hpp"

namespace sipalg::daemon {

namespace {

std::string words(const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& word : list)
        text += " " + word;
    return text.empty() ? " none" : text;
}

// Throws if a queue number is in use. Not called while a daemon is running, because its numbers cannot be
// distinguished from those of other programs.
void check_queues(const nft::Settings& settings) {
    for (const std::uint16_t number : {settings.queue, settings.watch_queue(), settings.shifted_queue()})
        const Queue queue(number);  // released at once
}

std::vector<std::string> find_warnings(const Options& options, Network& network, nft::Ruleset& ruleset) {
    Status status;
    status.ends = network.egress().ends();
    status.sees_streams = ruleset.sees_streams();
    status.media_counted = nft::conntrack_counts();
    status.offloading_chains = ruleset.offloading_chains();
    status.source_ports = ruleset.source_ports();
    status.public_ports = options.public_ports;
    status.sip_ports = options.sip_ports;
    nat::PortForwards forwards;
    forwards.set(ruleset.port_forwards());
    status.media_ports_left = forwards.left(options.media_low, options.media_high);
    std::vector<std::string> found = warnings(status);
    for (const nft::AcceptPlace& place : ruleset.accept_places())
        if (place.state != nft::AcceptPlace::State::accepting &&
            place.state != nft::AcceptPlace::State::needless)
            found.push_back("no accept rule in " + nft::describe(place.place) + ": " + place.reason);
    return found;
}

void print_addresses(Network& network, std::ostream& out) {
    for (const auto& end : network.egress().ends()) {
        out << "address on " << end.interface << ": "
            << (end.egress.address ? end.egress.address.text() : "none");
        if (end.egress.advertised != end.egress.address)
            out << ", advertised as " << end.egress.advertised.text();
        out << '\n';
    }
}

void print_accept_rules(const nft::Ruleset& ruleset, std::ostream& out) {
    if (ruleset.accept_places().empty())
        out << "accept rules: none; packets of pinholes carry ct mark 0x10000000 (see sipalgd(8))\n";
    for (const nft::AcceptPlace& place : ruleset.accept_places())
        if (place.state == nft::AcceptPlace::State::accepting)
            out << "accept rule: at the head of " << nft::describe(place.place) << '\n';
        else if (place.state == nft::AcceptPlace::State::needless)
            out << "accept rule: none needed in " << nft::describe(place.place) << ", " << place.reason
                << '\n';
}

}  // namespace

void check(const Options& options, std::ostream& out) {
    refuse_user_namespace();
    static_cast<void>(find_access(options));  // throws if a group is missing
    Network network(options);
    nft::Settings settings = ruleset_settings(options, network.outside());
    settings.lock_optional = true;
    nft::Ruleset ruleset(settings);
    ruleset.check();
    const Injector injector;  // throws without CAP_NET_RAW
    if (ruleset.has_lock()) check_queues(settings);

    const auto found = find_warnings(options, network, ruleset);
    out << "ok: sipalgd can start with this configuration; " << found.size()
        << (found.size() == 1 ? " warning\n" : " warnings\n");
    for (const std::string& warning : found)
        out << "warning: " << warning << '\n';
    if (!ruleset.has_lock())
        out << "note: a running sipalgd has table " << options.table << "; queue numbers were not checked\n";
    out << "configuration: "
        << (options.config.empty() ? "no file, defaults and command line" : options.config)
        << "\noutside:" << words(network.outside()) << "\ninside:" << words(network.inside()) << '\n';
    print_addresses(network, out);
    out << "queue: " << settings.queue << ", for TLS and discovery " << settings.watch_queue()
        << ", for TCP connections with changed bytes " << settings.shifted_queue() << " ("
        << nft::name(ruleset.queue_method()) << ")\n";
    print_accept_rules(ruleset, out);
    if (options.check_rules) out << "table that would be installed:\n" << ruleset.text();
}

}  // namespace sipalg::daemon
