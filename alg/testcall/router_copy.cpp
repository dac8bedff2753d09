#include "alg/testcall/router_copy.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace sipalg::testcall {

namespace {

std::string joined(const Words& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : " ") + word;
    return text;
}

std::string read_file(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

}  // namespace

RouterCopy::RouterCopy(const Interrupts& interrupts, const Router& router, const Ends& ends,
                       const std::string& table)
    : interrupts_(interrupts) {
    copy_settings(router);  // those of new interfaces
    copy_interfaces(router, ends);
    copy_settings(router);
    connect_ends(ends);
    copy_routes(router);
    copy_tables(table);
    copy_legacy();
}

std::string RouterCopy::ruleset() const {
    return run(interrupts_, &router_, {"nft", "-s", "list", "ruleset"}).output;
}

// Runs all lines, and reports those that fail.
void RouterCopy::batch(const Namespace& where, std::string_view family,
                       const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += line + '\n';
    const Outcome outcome =
        run(interrupts_, &where, {"ip", std::string(family), "-force", "-batch", "-"}, text);
    static constexpr std::string_view mark = "Command failed -:";
    std::istringstream in(outcome.errors);
    std::string reason;
    for (std::string line; std::getline(in, line);) {
        const std::size_t at = line.find(mark);
        if (at == std::string::npos) {
            reason = line;
            continue;
        }
        const auto number = std::strtoul(line.c_str() + at + mark.size(), nullptr, 10);
        if (number > 0 && number <= lines.size())
            not_copied_.push_back("ip " + lines[number - 1] + " (" + reason + ")");
    }
}

void RouterCopy::copy_settings(const Router& router) {
    const std::string root = "/proc/sys/net/";
    std::vector<std::string> names{"ipv4/ip_forward", "ipv6/conf/all/forwarding",
                                   "ipv6/conf/default/disable_ipv6", "netfilter/nf_conntrack_acct",
                                   "netfilter/nf_conntrack_helper"};
    std::vector<std::string> interfaces{"all", "default"};
    for (const Interface& one : router.interfaces)
        interfaces.push_back(one.name);
    for (const std::string& name : interfaces)
        for (const char* knob :
             {"rp_filter", "forwarding", "accept_local", "src_valid_mark", "route_localnet"})
            names.push_back("ipv4/conf/" + name + "/" + knob);
    std::vector<std::pair<std::string, std::string>> values;
    values.reserve(names.size());
    for (const std::string& name : names)
        values.emplace_back(name, read_file(root + name));
    const Inside inside(router_);
    std::ofstream(root + "ipv6/conf/default/accept_dad") << "0";
    std::ofstream(root + "ipv6/conf/default/accept_ra") << "0";
    for (const auto& [name, value] : values)
        if (!value.empty() && read_file(root + name) != value) std::ofstream(root + name) << value;
}

void RouterCopy::copy_interfaces(const Router& router, const Ends& ends) {
    std::vector<std::string> lines{"link set lo up"}, lines6, far_ends;
    for (const Interface& one : router.interfaces) {
        std::string line = "link add name " + one.name + " mtu " + std::to_string(one.mtu);
        if (!one.hardware_address.empty()) line += " address " + one.hardware_address;
        const bool is_end = one.name == ends.inside || one.name == ends.outside;
        if (is_end)
            line +=
                " type veth peer name eth0 netns " + (one.name == ends.inside ? phone_ : provider_).path();
        else  // not every kernel has dummies
            line += " type veth peer name " + one.name + " netns " + nowhere_.path();
        // The kernel may make the interfaces of tunnel drivers in each namespace by itself.
        const Inside inside(router_);
        if (!std::filesystem::exists("/proc/sys/net/ipv4/conf/" + one.name)) lines.push_back(line);
        if (one.kind == "vrf")
            not_copied_.push_back("VRF " + one.name + ": its interfaces use the main table");
        for (const InterfaceAddress& own : one.addresses)
            (own.address.is_v6() ? lines6 : lines).push_back("address add " + own.words + " dev " + one.name);
        if (!one.up) continue;
        lines.push_back("link set " + one.name + " up");
        if (!is_end) far_ends.push_back("link set " + one.name + " up");
    }
    batch(router_, "-4", lines);
    if (!lines6.empty()) batch(router_, "-6", lines6);
    batch(nowhere_, "-4", far_ends);
}

void RouterCopy::connect_ends(const Ends& ends) {
    const bool v4 = ends.phone.is_v4();
    const auto host = [&](const Address& address) { return address.text() + (v4 ? "/32" : "/128"); };
    const auto add = [&](const Address& address) {
        return "address add " + host(address) + " dev eth0" + (v4 ? "" : " nodad");
    };
    const auto connect = [&](const Namespace& where, std::vector<std::string> lines, const Address& router) {
        if (router) lines.push_back("route add " + host(router) + " dev eth0");
        lines.push_back(std::string("route add default dev eth0") + (router ? " via " + router.text() : ""));
        batch(where, "-4", {"link set lo up", "link set eth0 up"});
        batch(where, v4 ? "-4" : "-6", lines);
    };
    connect(phone_, {add(ends.phone)}, ends.router_inside);
    std::vector<std::string> outside{add(ends.provider), add(ends.media)};
    const bool is_other = ends.gateway && ends.gateway != ends.provider && ends.gateway != ends.media;
    if (is_other) outside.push_back(add(ends.gateway));
    // A phone that is not translated is behind the router, and not on the outside network.
    connect(provider_, outside, ends.router_outside);
}

void RouterCopy::copy_routes(const Router& router) {
    const auto copy = [&](std::string_view family, const char* command, const std::vector<Words>& all) {
        std::vector<std::string> direct, by_gateway;
        for (const Words& words : all) {
            const bool has_gateway = std::find(words.begin(), words.end(), "via") != words.end();
            (has_gateway ? by_gateway : direct).push_back(std::string(command) + joined(words));
        }
        direct.insert(direct.end(), by_gateway.begin(), by_gateway.end());
        if (!direct.empty()) batch(router_, family, direct);
    };
    copy("-4", "route replace ", router.routes);
    copy("-6", "route replace ", router.routes6);
    copy("-4", "rule add ", router.rules);
    copy("-6", "rule add ", router.rules6);
}

void RouterCopy::copy_tables(const std::string& own) {
    const Outcome listed = run(interrupts_, nullptr, {"nft", "-s", "list", "ruleset"});
    if (listed.status == 127) throw std::runtime_error("the program nft is missing: install nftables");
    if (!listed.ok()) throw std::runtime_error("nft list ruleset: " + listed.first_error());
    for (TableText& table : split_tables(listed.output)) {
        if (table.family == "inet" && table.name == own) continue;
        table.text = without_accept_rules(table.text, own);
        copy_table(table);
    }
}

void RouterCopy::copy_table(const TableText& table) {
    const std::string name = "table " + table.family + " " + table.name;
    const auto load = [&](const std::string& text) {
        return run(interrupts_, &router_, {"nft", "-f", "-"}, text);
    };
    if (has_iptables_parts(table.text)) {
        if (!copy_by_iptables(table.family, table.name))
            not_copied_.push_back(name + ": nft can't list all that iptables has put there");
        return;
    }
    const Outcome whole = load(table.text);
    if (whole.ok()) return;
    const std::string less = without_flowtables(table.text);
    if (less != table.text && load(less).ok())
        not_copied_.push_back(name + ": its flowtables (" + whole.first_error() + ")");
    else
        not_copied_.push_back(name + " (" + whole.first_error() + ")");
}

bool RouterCopy::copy_by_iptables(const std::string& family, const std::string& table) {
    if (family != "ip" && family != "ip6") return false;
    const std::string program = family == "ip" ? "iptables-nft" : "ip6tables-nft";
    const Outcome saved = run(interrupts_, nullptr, {program + "-save", "-t", table});
    return saved.ok() && run(interrupts_, &router_, {program + "-restore"}, saved.output).ok();
}

void RouterCopy::copy_legacy() {
    for (const std::string version : {"ip", "ip6"}) {
        if (read_file("/proc/net/" + version + "_tables_names").empty()) continue;
        const std::string program = version + "tables-legacy";
        const Outcome sets = run(interrupts_, nullptr, {"ipset", "save"});
        if (version == "ip" && sets.ok() && !sets.output.empty())
            static_cast<void>(run(interrupts_, &router_, {"ipset", "restore"}, sets.output));
        const Outcome saved = run(interrupts_, nullptr, {program + "-save"});
        const Outcome restored =
            saved.ok() ? run(interrupts_, &router_, {program + "-restore"}, saved.output) : saved;
        if (!restored.ok())
            not_copied_.push_back("the rules of " + program + " (" + restored.first_error() + ")");
    }
}

}  // namespace sipalg::testcall
