#include "alg/doctor/findings.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "alg/doctor/chain_findings.hpp"
#include "nft/forward_check.hpp"

namespace sipalg::doctor {

namespace {

using Findings = std::vector<Finding>;

std::string list(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

/// The command that sets an option in the configuration file. At its head, because sections follow the
/// options.
std::string set_option(const std::string& name, const std::string& value) {
    return "sed -i '1i " + name + " = " + value + "' /etc/sipalg/sipalgd.conf && sipalgctl reload";
}

void look_at_kernel(const Subject& subject, const Facts& facts, Findings& found) {
    if (!facts.no_tables.empty()) {
        found.push_back({Level::error, "nftables", "the ruleset cannot be read: " + facts.no_tables,
                         "modprobe nf_tables"});
        return;
    }
    if (facts.kernel_helper) {
        const std::string& text = *facts.kernel_helper;
        found.push_back({Level::error, "kernel-helper", text, quoted(text)});
    } else if (!facts.refused.empty()) {
        found.push_back(
            {Level::error, "refused", "the kernel does not accept the table of sipalgd: " + facts.refused,
             "modprobe -a nfnetlink_queue nft_queue nft_fib_inet nft_nat nft_ct nft_compat xt_NFQUEUE"});
    }
    if (facts.user_namespace)
        found.push_back({Level::error, "user-namespace",
                         "this is a user namespace: newer kernels refuse changed packets here and drop them; "
                         "run sipalgd in "
                         "a network namespace of the real root",
                         "ip netns add router && ip netns exec router sipalgd"});
    if (facts.leftover && !subject.serving)
        found.push_back({Level::warning, "leftover",
                         "table inet " + subject.table +
                             " exists, but no sipalgd is running: it was killed; the elements of the table "
                             "end with their timeouts, and the next "
                             "start restores those that remain",
                         "systemctl start sipalg"});
    if (facts.leftover_rules > 0 && !facts.leftover && !subject.serving)
        found.push_back({Level::warning, "leftover",
                         std::to_string(facts.leftover_rules) +
                             " accept rules of sipalgd are left in the ruleset, "
                             "without its table; the next start adopts them",
                         "systemctl start sipalg"});
    if (facts.queue_drops > 0)
        found.push_back({Level::warning, "queue-drops",
                         "the queues of sipalgd have lost " + std::to_string(facts.queue_drops) + " packets",
                         "systemctl set-property sipalg CPUWeight=1000"});
}

void look_at_conntrack(const Facts& facts, Findings& found) {
    if (!facts.has_conntrack) {
        found.push_back(
            {Level::error, "conntrack", "connection tracking is not loaded", "modprobe nf_conntrack"});
        return;
    }
    if (facts.most_connections > 0 && facts.connections * 10 >= facts.most_connections * 8)
        found.push_back(
            {Level::warning, "conntrack-full",
             "connection tracking has " + std::to_string(facts.connections) + " of at most " +
                 std::to_string(facts.most_connections) + " connections; new calls fail when it is full",
             "sysctl -w net.netfilter.nf_conntrack_max=" + std::to_string(facts.most_connections * 2)});
    if (!facts.counted) found.push_back(uncounted_packets());
}

void look_at_routing(const Facts& facts, Findings& found) {
    if (!facts.forwards_ipv4)
        found.push_back({Level::error, "forwarding", "this machine does not forward IPv4 packets",
                         "sysctl -w net.ipv4.ip_forward=1"});
    if (facts.outside.empty())
        found.push_back({Level::error, "no-route", "there is no default route, so no interface is outside",
                         "ip route add default via GATEWAY"});
    for (const OutsideInterface& end : facts.outside) {
        if (!end.vrf.empty())
            found.push_back({Level::error, "vrf",
                             "interface " + end.name + " belongs to VRF " + end.vrf +
                                 ": messages that come in by it pass unread",
                             "ip link set " + end.name + " nomaster"});
        if (!end.address)
            found.push_back(
                {Level::warning, "no-address",
                 "interface " + end.name + " has no IPv4 address: messages over IPv4 stay unmodified",
                 "ip address show dev " + end.name});
        if (end.rp_filter == 1 && facts.default_routes > 1)
            found.push_back({Level::warning, "rp-filter",
                             "strict reverse path filtering on " + end.name +
                                 " drops packets that come in by any uplink but the preferred one",
                             "sysctl -w net.ipv4.conf." + end.name + ".rp_filter=2"});
    }
    if (!facts.mark_rules.empty())
        found.push_back({Level::warning, "mark-rules",
                         "routing depends on firewall marks (" + list(facts.mark_rules) +
                             "), which are set after sipalgd has read the packet: a message may name the "
                             "address of another "
                             "uplink",
                         "ip rule show"});
    if (facts.translated_ipv6)
        found.push_back({Level::warning, "ipv6-nat",
                         "the router translates IPv6: " + facts.translated_ipv6->inside.text() +
                             " leaves as " + facts.translated_ipv6->outside.text() +
                             ", and sipalgd changes no message over IPv6, so such calls have no audio from "
                             "outside; let IPv6 leave untranslated (in a table of family inet, masquerade "
                             "behind `meta nfproto ipv4`), or give the phones IPv4 only",
                         "nft list ruleset inet; nft list ruleset ip6"});
    if (facts.bridge_netfilter)
        found.push_back(
            {Level::warning, "bridge-netfilter",
             "bridged packets between inside hosts pass the router's rules",
             "sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0"});
}

// N1
void look_upstream(const Subject& subject, const Facts& facts, Findings& found) {
    // A peer that has said which address it sees gives a better finding.
    if (std::any_of(subject.path_signs.begin(), subject.path_signs.end(),
                    [](const Subject::PathSign& sign) { return sign.changed == "address"; }))
        return;
    for (const OutsideInterface& end : facts.outside) {
        const bool private_ones_only =
            std::all_of(subject.advertised.begin(), subject.advertised.end(),
                        [](const Address& address) { return !address.is_v4() || address.is_private(); });
        if (!end.address.is_private() || !private_ones_only) continue;
        const bool of_carrier = end.address.is_v4() && (end.address.v4_value() >> 22) == (0x64400000U >> 22);
        found.push_back(
            {Level::warning, "upstream-nat",
             "the address of " + end.name + ", " + end.address.text() +
                 (of_carrier
                      ? ", belongs to a carrier's NAT (RFC 6598): media from outside come in only after the "
                        "phone has sent; ask the provider for a public address"
                      : ", is private, so another router translates it: write the public address as "
                        "external-address, and forward the SIP and media ports to this router there"),
             of_carrier ? std::string() : set_option("external-address", "PUBLIC-ADDRESS")});
    }
}

// How registrars and peers see this router, as their responses show it.
void look_at_path(const Subject& subject, Findings& found) {
    for (const Subject::PathSign& sign : subject.path_signs) {
        const std::string seen = sign.peer + " sees " + sign.seen + " in place of " + sign.left;
        if (sign.changed == "address") {
            const auto public_end = Endpoint::parse(sign.seen);
            found.push_back({Level::warning, "upstream-nat",
                             seen + ": another router translates between this one and the peer; if it "
                                    "forwards SIP and media ports to this one, write its address as "
                                    "external-address, else media come in only after the phone has sent",
                             public_end ? set_option("external-address", public_end->address.text()) : ""});
        } else if (sign.changed == "port") {
            found.push_back({Level::warning,
                             "upstream-nat",
                             seen + ": a NAT between this router and the peer changes ports; media come in "
                                    "only after the phone has sent",
                             {}});
        } else if (sign.changed == "message") {
            found.push_back({Level::warning,
                             "other-alg",
                             sign.peer + " answers with \"" + sign.seen + "\" where \"" + sign.left +
                                 "\" left this router: another SIP ALG on the way changes messages; switch "
                                 "it off in the modem or router before this one",
                             {}});
        }
    }
}

// C5, O5. A chain that drops their packets is a finding of its own, and the cause then.
void look_at_silence(const Subject& subject, const Facts& facts, Findings& found) {
    const bool dropped = std::any_of(facts.chains.begin(), facts.chains.end(), [](const ForwardChain& chain) {
        return !chain.refused.empty() || !chain.drops.empty();
    });
    if (dropped) return;
    for (const std::string& peer : subject.silent_peers)
        found.push_back(
            {Level::warning, "peer-silent",
             "no media came from " + peer +
                 " in the latest call, although the phone sent: the peer may send from an address "
                 "that it has not announced; media-source = latch lets the first sender in",
             "{ echo '[peer " + peer +
                 "]'; echo 'media-source = latch'; } >>/etc/sipalg/sipalgd.conf && sipalgctl reload"});
}

// X12
void look_at_forwards(const Subject& subject, const Facts& facts, Findings& found) {
    std::vector<bool> taken(subject.media_high - subject.media_low + 1U, false);
    for (const PortForward& forward : facts.forwards) {
        if (forward.transport != Transport::tcp)
            for (unsigned port = std::max(subject.media_low, forward.low);
                 port <= std::min(subject.media_high, forward.high); ++port)
                taken[port - subject.media_low] = true;
        for (const std::uint16_t port : subject.sip_ports)
            if (forward.low <= port && port <= forward.high)
                found.push_back(
                    {Level::note,
                     "port-forward",
                     "port " + std::to_string(port) + " is forwarded to " +
                         (forward.to ? forward.to.text() : "the router, or a host that cannot be read") +
                         "; no other host gets it",
                     {}});
    }
    const auto left = static_cast<std::size_t>(std::count(taken.begin(), taken.end(), false));
    if (left < enough_media_ports && subject.public_ports.empty()) found.push_back(scarce_media_ports(left));
    if (is_shared_address(facts.source_ports, subject.public_ports))
        found.push_back(shared_address(facts.source_ports));
}

void look_at_rest(const Subject& subject, const Facts& facts, Findings& found) {
    if (facts.year < 2024)
        found.push_back(
            {Level::warning, "clock",
             "the clock shows the year " + std::to_string(facts.year) + ": times in the log are wrong",
             "timedatectl set-ntp true"});
    else if (!facts.clock_synchronised)
        found.push_back({Level::note, "clock", "the clock is not synchronised: times in the log may be wrong",
                         "timedatectl set-ntp true"});
    if (subject.tls_flows > 0)
        found.push_back({Level::note,
                         "tls",
                         std::to_string(subject.tls_flows) +
                             " flows of signalling use TLS, which no gateway can read; their phones handle "
                             "NAT by themselves, "
                             "and there is nothing to do",
                         {}});
    if (!subject.serving)
        found.push_back({Level::warning, "not-serving", "sipalgd does not serve", "systemctl start sipalg"});
}

}  // namespace

std::string_view word(Level level) {
    static constexpr std::array<std::string_view, 3> words{"error", "warning", "note"};
    return words[static_cast<std::size_t>(level)];
}

std::string sentence(const Finding& finding) {
    return finding.command.empty() ? finding.text : finding.text + "; run: " + finding.command;
}

Finding uncounted_packets() {
    return {Level::warning, "conntrack-acct",
            "connection tracking does not count packets, so silence in a call is not detected; the "
            "command takes effect with the next call",
            "sysctl -w net.netfilter.nf_conntrack_acct=1"};
}

// A8
Finding offloaded_signalling(const std::vector<std::string>& chains,
                             const std::vector<std::uint16_t>& sip_ports) {
    return {Level::error, "flowtable",
            "chain " + list(chains) +
                " offloads connections to a flowtable: after the first reply, signalling no longer reaches "
                "sipalgd; write `" +
                flowtable_exemption(sip_ports) + "` before `flow add`",
            "nft -a list chain " + chains.front()};
}

std::string flowtable_exemption(const std::vector<std::uint16_t>& sip_ports) {
    return nft::offload_exemption(sip_ports);
}

// X12
Finding scarce_media_ports(std::size_t left) {
    return {Level::warning, "media-ports",
            "the port forwards of the ruleset leave " + std::to_string(left) +
                " ports for media; choose a range without forwards",
            "sipalgd --media-ports LOW-HIGH"};
}

// A3
bool is_shared_address(std::span<const PortRange> ruleset, std::span<const PortRange> chosen) {
    if (ruleset.empty() || count_ports(ruleset) > 32768) return false;
    const auto is_among = [&](const PortRange& range) {
        for (unsigned port = range.low; port <= range.high; ++port)
            if (!is_in(ruleset, static_cast<std::uint16_t>(port))) return false;
        return true;
    };
    return chosen.empty() || !std::all_of(chosen.begin(), chosen.end(), is_among);
}

Finding shared_address(std::span<const PortRange> ruleset) {
    std::string ranges, lines;
    for (const PortRange& range : ruleset) {
        ranges += (ranges.empty() ? "" : ", ") + range.text();
        lines += " 'public-ports = " + range.text() + "'";
    }
    return {
        Level::warning, "shared-address",
        "the ruleset translates to the ports " + ranges +
            " only: if the provider gives the router a part of the ports (MAP-E, lw4o6), sipalgd must "
            "choose from them too; put these lines above the sections of the configuration file, and restart",
        "printf '%s\\n'" + lines};
}

// O3
std::vector<Finding> diagnose(const Subject& subject, const Facts& facts) {
    Findings found;
    look_at_kernel(subject, facts, found);
    append_chain_findings(subject, facts, found);
    if (!facts.flowtable_chains.empty())
        found.push_back(offloaded_signalling(facts.flowtable_chains, subject.sip_ports));
    look_at_conntrack(facts, found);
    look_at_routing(facts, found);
    look_upstream(subject, facts, found);
    look_at_path(subject, found);
    look_at_silence(subject, facts, found);
    look_at_forwards(subject, facts, found);
    look_at_rest(subject, facts, found);
    const Findings own = found;
    for (const std::string& warning : subject.warnings)
        if (std::none_of(own.begin(), own.end(),
                         [&](const Finding& each) { return sentence(each) == warning; }))
            found.push_back({Level::warning, "daemon", warning, {}});
    std::stable_sort(found.begin(), found.end(),
                     [](const Finding& a, const Finding& b) { return a.level < b.level; });
    return found;
}

}  // namespace sipalg::doctor
