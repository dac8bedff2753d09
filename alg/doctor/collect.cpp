#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/timex.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string_view>
#include <utility>

#include "alg/doctor/facts.hpp"
#include "alg/sys/attributes.hpp"
#include "alg/sys/netlink.hpp"
#include "alg/sys/number_file.hpp"
#include "alg/sys/queue_table.hpp"
#include "nft/accept_rules.hpp"
#include "nft/conntrack.hpp"
#include "nft/conntrack_settings.hpp"
#include "nft/device_check.hpp"
#include "nft/forward_check.hpp"
#include "nft/helper.hpp"
#include "nft/leftover.hpp"
#include "nft/listing.hpp"
#include "nft/port_forwards.hpp"
#include "nft/ruleset.hpp"

namespace sipalg::doctor {

namespace {

struct DefaultRoutes {
    std::vector<std::string> interfaces;
    std::size_t count = 0;
};

// The main table, one route per line: interface, destination, gateway, flags, … in hexadecimal.
DefaultRoutes default_routes(const std::string& root) {
    DefaultRoutes found;
    std::ifstream in(root + "/proc/net/route");
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
        std::istringstream words(line);
        std::array<std::string, 8> field;
        for (std::string& each : field)
            words >> each;
        if (field[1] != "00000000" || field[7] != "00000000") continue;
        ++found.count;
        if (std::find(found.interfaces.begin(), found.interfaces.end(), field[0]) == found.interfaces.end())
            found.interfaces.push_back(field[0]);
    }
    return found;
}

Address address_of(const std::string& interface) {
    ifaddrs* all = nullptr;
    if (getifaddrs(&all) != 0) return {};
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(all, freeifaddrs);
    for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
        if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET || interface != each->ifa_name)
            continue;
        return Address::v4(ntohl(reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr.s_addr));
    }
    return {};
}

// The master of an interface, if it is a VRF.
std::string vrf_of(const std::string& interface, const std::string& root) {
    std::error_code error;
    const auto master =
        std::filesystem::read_symlink(root + "/sys/class/net/" + interface + "/master", error);
    if (error) return {};
    std::string name = master.filename();
    std::ifstream in(root + "/sys/class/net/" + name + "/uevent");
    for (std::string line; std::getline(in, line);)
        if (line == "DEVTYPE=vrf") return name;
    return {};
}

void read_outside(const Subject& subject, const std::string& root, Facts& facts) {
    const DefaultRoutes routes = default_routes(root);
    facts.default_routes = routes.count;
    const std::string settings = root + "/proc/sys/net/ipv4/conf/";
    const auto rp_filter = [&](const std::string& name) {
        return static_cast<int>(read_number(settings + name + "/rp_filter").value_or(0));
    };
    for (const std::string& name : subject.outside.empty() ? routes.interfaces : subject.outside)
        facts.outside.push_back(
            {name, address_of(name), vrf_of(name, root),
             std::max(rp_filter("all"), rp_filter(name))});  // the kernel takes the higher
}

// Rules of policy routing that look at marks.
std::vector<std::string> mark_rules() {
    std::vector<std::string> found;
    netlink::Channel channel({.protocol = NETLINK_ROUTE});
    netlink::Conversation talk(channel);
    alignas(nlmsghdr) std::array<char, 128> bytes{};
    nlmsghdr* request = mnl_nlmsg_put_header(bytes.data());
    request->nlmsg_type = RTM_GETRULE;
    auto* rule = static_cast<fib_rule_hdr*>(mnl_nlmsg_put_extra_header(request, sizeof(fib_rule_hdr)));
    rule->family = AF_INET;
    const auto error = talk.dump(request, [&](const nlmsghdr* message) {
        std::uint32_t priority = 0, mark = 0;
        for (const nlattr* attribute : netlink::Attributes(message, sizeof(fib_rule_hdr))) {
            if (mnl_attr_get_type(attribute) == FRA_PRIORITY)
                priority = netlink::number_of<std::uint32_t>(attribute);
            if (mnl_attr_get_type(attribute) == FRA_FWMARK)
                mark = netlink::number_of<std::uint32_t>(attribute);
        }
        if (mark == 0) return;
        std::ostringstream text;
        text << "rule " << priority << " for mark 0x" << std::hex << mark;
        found.push_back(text.str());
    });
    if (error) found.clear();
    return found;
}

std::uint64_t queue_drops(const Subject& subject, const std::string& root) {
    std::ifstream in(root + queue_table_path);
    std::uint64_t drops = 0;
    for (const QueueRow& row : read_queue_table(in))
        if (row.number >= subject.queue && row.number <= subject.queue + 2U)
            drops += row.full_queue + row.full_socket;
    return drops;
}

// N2: a flow with a SIP port whose source is translated, by NAT66 or a prefix that conntrack translates.
std::optional<Facts::Translated> translated_ipv6(const Subject& subject) {
    const auto is_sip = [&](const Endpoint& end) {
        return std::find(subject.sip_ports.begin(), subject.sip_ports.end(), end.port) !=
               subject.sip_ports.end();
    };
    std::optional<Facts::Translated> found;
    nft::ConntrackDump().read(
        [&](const ConntrackEntry& flow) {
            const Endpoint& inside = flow.original_source;
            if (inside.address.is_v6() && (is_sip(inside) || is_sip(flow.original_destination)) &&
                flow.reply_destination.address != inside.address)
                found = {inside, flow.reply_destination};
        },
        true, true);
    return found;
}

bool is_bridge(const std::filesystem::path& interface) {
    return std::filesystem::exists(interface / "bridge");
}

bool bridges_meet_rules(const std::string& root) {
    std::error_code error;
    bool any_bridge = false;
    for (const auto& entry : std::filesystem::directory_iterator(root + "/sys/class/net", error))
        any_bridge = any_bridge || is_bridge(entry.path());
    return any_bridge && read_number(root + "/proc/sys/net/bridge/bridge-nf-call-iptables").value_or(0) != 0;
}

// The initial namespace maps all ids to themselves.
bool in_user_namespace(const std::string& root) {
    std::ifstream in(root + "/proc/self/uid_map");
    std::uint64_t inside = 0, outside = 0, count = 0;
    return (in >> inside >> outside >> count) && (inside != 0 || outside != 0 || count != 4294967295U);
}

// The devices that carry packets of an interface: itself, and the ports of a bridge or bond, or the device of
// a VLAN, below it.
void add_devices(const std::string& interface, const std::string& root, nft::DeviceTraffic& traffic) {
    if (std::find(traffic.devices.begin(), traffic.devices.end(), interface) != traffic.devices.end()) return;
    traffic.devices.push_back(interface);
    const std::filesystem::path directory = root + "/sys/class/net/" + interface;
    traffic.bridged = traffic.bridged || is_bridge(directory);
    std::error_code error;
    constexpr std::string_view below = "lower_";
    for (const auto& entry : std::filesystem::directory_iterator(directory, error))
        if (const std::string name = entry.path().filename(); name.starts_with(below))
            add_devices(name.substr(below.size()), root, traffic);
}

// Without known inside interfaces, each device may be one of them.
nft::DeviceTraffic device_traffic(const Subject& subject, const std::vector<std::string>& outside,
                                  const std::string& root) {
    nft::DeviceTraffic traffic;
    traffic.sip_ports = subject.sip_ports;
    traffic.media_low = subject.media_low;
    traffic.media_high = subject.media_high;
    for (const std::string& name : outside)
        add_devices(name, root, traffic);
    for (const std::string& name : subject.inside)
        add_devices(name, root, traffic);
    if (!subject.inside.empty()) return traffic;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(root + "/sys/class/net", error))
        if (entry.path().filename() != "lo") add_devices(entry.path().filename(), root, traffic);
    return traffic;
}

ForwardChain check_chain(nft::Link& link, const nft::ChainSeen& chain, const Subject& subject,
                         const std::vector<std::string>& outside) {
    ForwardChain seen;
    seen.place = nft::describe(chain.place);
    for (const auto& [family, name] : {std::pair{NFPROTO_IPV4, "IPv4"}, std::pair{NFPROTO_IPV6, "IPv6"}}) {
        if (chain.family != NFPROTO_INET && chain.family != family) continue;
        const auto outcome =
            nft::check_forward(link, chain,
                               {static_cast<std::uint8_t>(family), outside.empty() ? "" : outside.front(),
                                subject.inside.empty() ? "" : subject.inside.front()});
        if (outcome.accepted) continue;
        seen.drops += (seen.drops.empty() ? "" : " and ") + std::string(name);
        seen.some = seen.some || outcome.may_accept;
        seen.handle = outcome.handle;
    }
    return seen;
}

void read_ruleset(const Subject& subject, const std::string& root, Facts& facts) {
    nft::Link link;
    facts.kernel_helper = nft::kernel_helper_in_use(link);
    const auto chains = nft::list_chains(link);
    const auto rules = nft::list_rules(link, subject.table);
    std::vector<std::string> names;
    for (const OutsideInterface& end : facts.outside)
        names.push_back(end.name);
    facts.forwards = nft::port_forwards(link, subject.table, names);
    const auto is_accept_rule = [&](const nft::RuleSeen& rule) {
        return rule.comment == "sipalg:" + subject.table;
    };
    facts.flowtable_chains = nft::chains_that_offload(link, chains, rules, subject.sip_ports);
    const auto dropping = nft::chains_that_drop(link, chains, rules, subject.table);
    for (const nft::ChainSeen& chain : chains)
        if (std::find(dropping.begin(), dropping.end(), chain.place) != dropping.end())
            facts.chains.push_back(check_chain(link, chain, subject, names));
    facts.path_troubles =
        nft::check_path(link, chains, dropping, subject.table,
                        {names.empty() ? "" : names.front(),
                         subject.inside.empty() ? "" : subject.inside.front(), subject.sip_ports});
    for (nft::PathTrouble& each : nft::check_devices(link, chains, device_traffic(subject, names, root)))
        facts.path_troubles.push_back(std::move(each));
    const bool has_table = nft::presence(link, subject.table) == nft::Presence::ours;
    facts.leftover_rules =
        static_cast<std::size_t>(std::count_if(rules.begin(), rules.end(), is_accept_rule));
    if (facts.kernel_helper) return;

    nft::Settings settings;
    settings.table = subject.table;
    settings.outside = names;
    settings.lock_optional = true;
    settings.accept_in_auto = true;
    try {
        nft::Ruleset ruleset(settings);
        facts.queue_method = nft::name(ruleset.queue_method());
        facts.leftover = has_table && ruleset.has_lock();
        ruleset.check();
        facts.flowtable_chains = ruleset.offloading_chains();
        facts.source_ports = ruleset.source_ports();
        for (const nft::AcceptPlace& place : ruleset.accept_places()) {
            if (place.state != nft::AcceptPlace::State::refused) continue;
            const auto known = std::find_if(
                facts.chains.begin(), facts.chains.end(),
                [&](const ForwardChain& chain) { return chain.place == nft::describe(place.place); });
            if (known == facts.chains.end())
                facts.chains.push_back({nft::describe(place.place), {}, false, 0, place.reason});
            else if (!known->drops.empty())
                known->refused = place.reason;
        }
    } catch (const nft::Error& error) {
        facts.refused = error.what();
    }
}

}  // namespace

Facts collect(const Subject& subject, const std::string& root) {
    Facts facts;
    const std::string conntrack = root + nft::conntrack_settings;
    const auto most = read_number(conntrack + "nf_conntrack_max");
    facts.has_conntrack = most.has_value();
    facts.most_connections = static_cast<std::uint64_t>(most.value_or(0));
    facts.connections = static_cast<std::uint64_t>(read_number(conntrack + "nf_conntrack_count").value_or(0));
    facts.counted = nft::conntrack_counts(conntrack);
    facts.forwards_ipv4 = read_number(root + "/proc/sys/net/ipv4/ip_forward").value_or(1) != 0;
    read_outside(subject, root, facts);
    facts.mark_rules = mark_rules();
    try {
        // Without forwarding nothing is translated, and the conntrack table need not be read.
        if (read_number(root + "/proc/sys/net/ipv6/conf/all/forwarding").value_or(0) != 0)
            facts.translated_ipv6 = translated_ipv6(subject);
    } catch (const nft::Error&) {
        facts.translated_ipv6.reset();  // without conntrack, which is a finding of its own
    }
    facts.user_namespace = in_user_namespace(root);
    facts.bridge_netfilter = bridges_meet_rules(root);
    facts.queue_drops = queue_drops(subject, root);
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    facts.year = parts.tm_year + 1900;
    timex state{};
    facts.clock_synchronised = adjtimex(&state) != TIME_ERROR;
    try {
        read_ruleset(subject, root, facts);
    } catch (const nft::Error& error) {
        facts.no_tables = error.what();
    }
    return facts;
}

}  // namespace sipalg::doctor
