#include "alg/daemon/run/check.hpp"

#include <ostream>

#include "alg/daemon/run/daemon.hpp"

namespace sipalg::daemon {

namespace {

std::string words(const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& word : list)
        text += " " + word;
    return text.empty() ? " none" : text;
}

}  // namespace

void check(const Options& options, std::ostream& out) {
    Network network(options);
    const nft::Ruleset ruleset(ruleset_settings(options, network.outside()));
    ruleset.check();
    const nft::Settings settings = ruleset_settings(options, {});
    for (const std::uint16_t number : {options.queue, settings.watch_queue(), settings.shifted_queue()})
        const Queue queue(number);  // throws if the number is taken; released at once

    out << "configuration: "
        << (options.config.empty() ? "no file, defaults and command line" : options.config)
        << "\noutside:" << words(network.outside()) << "\ninside:" << words(network.inside()) << '\n';
    for (const auto& end : network.egress().ends()) {
        out << "address on " << end.interface << ": "
            << (end.egress.address ? end.egress.address.text()
                                   : "none (messages stay unmodified until there is one)");
        if (end.egress.advertised != end.egress.address)
            out << ", advertised as " << end.egress.advertised.text();
        out << '\n';
    }
    out << "queue: " << options.queue << ", for TLS and discovery " << settings.watch_queue()
        << ", for TCP connections with changed bytes " << settings.shifted_queue() << " ("
        << nft::name(ruleset.queue_method()) << ")\n";
    if (!ruleset.sees_streams())
        out << "TLS over TCP is not reported: the kernel (older than 5.16) cannot match TCP payload\n";
    if (ruleset.accepting_chains().empty())
        out << "accept rules: none; packets of pinholes carry ct mark 0x10000000 (see sipalgd(8))\n";
    for (const nft::AcceptIn& chain : ruleset.accepting_chains())
        out << "accept rule: at the head of " << chain.family << ' ' << chain.table << ' ' << chain.chain
            << '\n';
    out << "table that would be installed:\n" << ruleset.text();
}

}  // namespace sipalg::daemon
