#include "alg/doctor/findings.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::doctor;

namespace {

struct Router {
    Router() {
        subject.serving = true;
        facts.outside = {{"wan", *Address::parse("203.0.113.1"), "", 0}};
    }
    /// The only finding.
    Finding only() const {
        const auto found = diagnose(subject, facts);
        REQUIRE(found.size() == 1);
        return found.front();
    }
    Subject subject;
    Facts facts;
};

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("O3 a healthy router has no findings") {
    CHECK(diagnose(Router().subject, Router().facts).empty());
}

TEST_CASE("O3 each finding has its level and the command that mends it") {
    struct Row {
        const char* id;
        Level level;
        const char* command;
        void (*break_it)(Router&);
    };
    const Row rows[] = {
        {"nftables", Level::error, "modprobe nf_tables",
         [](Router& r) { r.facts.no_tables = "no nf_tables"; }},
        {"refused", Level::error, "modprobe -a nfnetlink_queue",
         [](Router& r) { r.facts.refused = "ENOENT"; }},
        {"kernel-helper", Level::error, "nft delete rule x",
         [](Router& r) { r.facts.kernel_helper = "a rule; remove it: `nft delete rule x`"; }},
        {"user-namespace", Level::error, "ip netns", [](Router& r) { r.facts.user_namespace = true; }},
        {"queue-drops", Level::warning, "CPUWeight", [](Router& r) { r.facts.queue_drops = 3; }},
        {"flowtable", Level::error, "nft -a list chain inet fw forward",
         [](Router& r) { r.facts.flowtable_chains = {"inet fw forward"}; }},
        {"conntrack", Level::error, "modprobe nf_conntrack",
         [](Router& r) { r.facts.has_conntrack = false; }},
        {"conntrack-full", Level::warning, "sysctl -w net.netfilter.nf_conntrack_max=2000",
         [](Router& r) {
             r.facts.connections = 800;
             r.facts.most_connections = 1000;
         }},
        {"conntrack-acct", Level::warning, "sysctl -w", [](Router& r) { r.facts.counted = false; }},
        {"forwarding", Level::error, "sysctl -w", [](Router& r) { r.facts.forwards_ipv4 = false; }},
        {"vrf", Level::error, "ip link set wan nomaster", [](Router& r) { r.facts.outside[0].vrf = "blue"; }},
        {"no-address", Level::warning, "ip address", [](Router& r) { r.facts.outside[0].address = {}; }},
        {"ipv6-nat", Level::warning, "nft list ruleset",
         [](Router& r) {
             r.facts.translated_ipv6 = {*Endpoint::parse("[2001:db8:1::11]:5060"),
                                        *Endpoint::parse("[2001:db8:2::1]:5060")};
         }},
        {"bridge-netfilter", Level::warning, "sysctl -w", [](Router& r) { r.facts.bridge_netfilter = true; }},
        {"clock", Level::warning, "timedatectl", [](Router& r) { r.facts.year = 1970; }},
        {"clock", Level::note, "timedatectl", [](Router& r) { r.facts.clock_synchronised = false; }},
        {"tls", Level::note, "", [](Router& r) { r.subject.tls_flows = 2; }},
        {"not-serving", Level::warning, "systemctl start", [](Router& r) { r.subject.serving = false; }},
        {"daemon", Level::warning, "", [](Router& r) { r.subject.warnings = {"the queue overflowed"}; }},
    };
    for (const Row& row : rows) {
        CAPTURE(row.id);
        Router router;
        row.break_it(router);
        const Finding finding = router.only();
        CHECK(finding.id == row.id);
        CHECK(finding.level == row.level);
        CHECK(contains(finding.command, row.command));
        CHECK_FALSE(finding.text.empty());
    }
}

TEST_CASE("O3 A8 the exemption from a flowtable names at least two ports") {
    Router router;
    router.facts.flowtable_chains = {"inet fw forward"};
    CHECK(contains(router.only().text, "`th dport != { 5060, 5061 } th sport != { 5060, 5061 }`"));
    router.subject.sip_ports = {5060, 5080};
    CHECK(contains(router.only().text, "{ 5060, 5080 }"));
}

TEST_CASE("O3 N1 a private address is no finding where messages name a public one") {
    Router router;
    router.facts.outside[0].address = *Address::parse("192.168.178.2");
    router.subject.advertised = {*Address::parse("192.168.178.2")};
    CHECK(router.only().id == "upstream-nat");
    router.subject.advertised = {*Address::parse("198.51.100.1")};
    CHECK(diagnose(router.subject, router.facts).empty());
}

TEST_CASE("O3 N1 another NAT or ALG on the way, by what a peer sees") {
    Router router;
    router.subject.path_signs = {{"192.0.2.1", "address", "10.0.0.2:5060", "198.51.100.7:61000"}};
    CHECK(router.only().id == "upstream-nat");
    CHECK(contains(router.only().text, "192.0.2.1 sees 198.51.100.7:61000 in place of 10.0.0.2:5060"));
    CHECK(router.only().command ==
          "sed -i '1i external-address = 198.51.100.7' /etc/sipalg/sipalgd.conf && sipalgctl reload");
    router.facts.outside[0].address = *Address::parse("10.0.0.2");  // the finding without a peer is worse
    router.subject.advertised = {*Address::parse("10.0.0.2")};
    CHECK(contains(router.only().text, "192.0.2.1 sees"));
    router = Router();
    router.subject.path_signs = {{"192.0.2.1", "address", "10.0.0.2:5060", "198.51.100.7:61000"}};
    router.subject.path_signs[0].changed = "port";
    CHECK(router.only().id == "upstream-nat");
    CHECK(router.only().command.empty());
    router.subject.path_signs = {{"192.0.2.1", "message", "Via 203.0.113.1:5060", "Via 198.51.100.7:5060"}};
    CHECK(router.only().id == "other-alg");
    CHECK(contains(router.only().text, "\"Via 198.51.100.7:5060\" where \"Via 203.0.113.1:5060\" left"));
    router.subject.path_signs[0].changed = "something newer";
    CHECK(diagnose(router.subject, router.facts).empty());
}

TEST_CASE("O3 C5 a peer without media, unless a chain drops them") {
    Router router;
    router.subject.silent_peers = {"192.0.2.1"};
    CHECK(router.only().id == "peer-silent");
    CHECK(router.only().command ==
          "{ echo '[peer 192.0.2.1]'; echo 'media-source = latch'; } >>/etc/sipalg/sipalgd.conf && "
          "sipalgctl reload");
    router.facts.chains = {{"inet fw forward", "IPv4", true, 7, ""}};
    CHECK(router.only().id == "forward-chain");
}

TEST_CASE("O3 A4 a chain that drops is an error beside a daemon, and a note before it starts") {
    Router router;
    router.facts.chains = {{"inet fw forward", "IPv4", true, 7, ""}};
    CHECK(router.only().level == Level::error);
    CHECK(contains(router.only().text, "over IPv4 (rule handle 7), unless an earlier rule accepts some"));
    router.subject.serving = false;
    const auto found = diagnose(router.subject, router.facts);
    REQUIRE(found.size() == 2);
    CHECK(found[0].id == "not-serving");  // the worst first
    CHECK(found[1].level == Level::note);
    router.facts.chains[0].refused = "owned; run `mend`";
    CHECK(diagnose(router.subject, router.facts)[0].command == "mend");
}

TEST_CASE("O3 A4 chains that keep signalling or media from sipalg, each with its remedy") {
    using Kind = sipalg::nft::PathTrouble::Kind;
    Router router;
    router.facts.path_troubles = {{Kind::drops_below_ip, {"netdev", "fw", "in"}, "ingress", "IPv4", 0, "X"}};
    CHECK(router.only().id == "other-chain");
    CHECK(router.only().level == Level::error);
    CHECK(contains(router.only().text,
                   "chain netdev fw in of the ingress hook drops X over IPv4 (its policy)"));
    CHECK(router.only().command == "nft insert rule netdev fw in 'udp dport { 5060, 16384-32767 } accept'");
    // Packets between ports of a bridge are not the router's.
    router.facts.path_troubles[0].place.family = "bridge";
    router.facts.path_troubles[0].hook = "forward";
    CHECK(router.only().level == Level::warning);
    router.facts.path_troubles = {{Kind::translates, {"ip", "fw", "pre"}, "prerouting", "IPv4", 7, ""}};
    CHECK(router.only().id == "early-nat");
    CHECK(router.only().level == Level::error);
    CHECK(router.only().command == "nft delete rule ip fw pre handle 7");
}

TEST_CASE("O3 a warning of the daemon that is a finding as well comes once") {
    Router router;
    router.facts.counted = false;
    router.subject.warnings = {sentence(uncounted_packets())};
    CHECK(router.only().id == "conntrack-acct");
}
