#include "nft/device_check.hpp"

#include <doctest/doctest.h>

#include "tests/unit/nft/owner_rules.hpp"

using namespace sipalg::nft;

namespace {

const RuleBytes port_53{0, 53}, port_16384{0x40, 0}, ipv6_type{0x86, 0xdd}, some_host{192, 0, 2, 1};

ChainSeen chain_of(std::uint8_t family, std::uint32_t hook, bool drops = false) {
    ChainSeen chain;
    chain.place = {family_name(family), "fw", "forward"};
    chain.family = family;
    chain.type = "filter";
    chain.hook = hook;
    chain.drops = drops;
    if (family != NFPROTO_BRIDGE) chain.devices = {"wan"};
    return chain;
}

/// "HOOK: TRAFFIC over FAMILIES" of each trouble.
std::vector<std::string> troubles(Rules& rules, const ChainSeen& chain, bool bridged = false) {
    TableReader table = rules.table();
    std::vector<std::string> all;
    for (const PathTrouble& each :
         device_troubles(table, chain, {{"wan", "lan"}, bridged, {5060}, 16384, 32767})) {
        CHECK(each.kind == PathTrouble::Kind::drops_below_ip);
        CHECK(each.place == chain.place);
        all.push_back(each.hook + ": " + each.traffic + " over " + each.families);
    }
    return all;
}

using Texts = std::vector<std::string>;
const ChainSeen ingress = chain_of(NFPROTO_NETDEV, 0);

}  // namespace

TEST_CASE("O3 a drop of signalling or media at the ingress of a device") {
    CHECK(troubles(Rules().rule().port(true).compare(NFT_CMP_EQ, port_5060).verdict(NF_DROP), ingress) ==
          Texts{"ingress: signalling to UDP port 5060 over IPv4 and IPv6"});
    CHECK(troubles(Rules().rule().port(false).compare(NFT_CMP_EQ, port_5060).verdict(NF_DROP), ingress) ==
          Texts{"ingress: signalling to UDP port 5060 over IPv4 and IPv6"});
    CHECK(troubles(Rules().rule().port(true).compare(NFT_CMP_GTE, port_16384).verdict(NF_DROP), ingress) ==
          Texts{"ingress: media to UDP port 16384 over IPv4 and IPv6"});
    CHECK(troubles(Rules().rule().protocol().compare(NFT_CMP_EQ, udp).verdict(NF_DROP), ingress) ==
          Texts{"ingress: signalling to UDP port 5060 and media to UDP port 16384 over IPv4 and IPv6"});
    CHECK(troubles(Rules().rule().ether_type().compare(NFT_CMP_EQ, ipv6_type).verdict(NF_DROP), ingress) ==
          Texts{"ingress: signalling to UDP port 5060 and media to UDP port 16384 over IPv6"});
    // The same hook of the family inet.
    CHECK(troubles(Rules().rule().port(true).compare(NFT_CMP_EQ, port_5060).verdict(NF_DROP),
                   chain_of(NFPROTO_INET, 5)) ==
          Texts{"ingress: signalling to UDP port 5060 over IPv4 and IPv6"});
}

TEST_CASE("O3 the policy of a chain at the ingress of a device") {
    const ChainSeen closed = chain_of(NFPROTO_NETDEV, 0, true);
    CHECK(troubles(Rules().rule().port(true).compare(NFT_CMP_EQ, port_5060).verdict(NF_ACCEPT), closed) ==
          Texts{"ingress: media to UDP port 16384 over IPv4 and IPv6"});
    CHECK(troubles(Rules().rule().protocol().compare(NFT_CMP_EQ, udp).verdict(NF_ACCEPT), closed).empty());
    // Some hosts are accepted.
    CHECK(
        troubles(Rules().rule().source().compare(NFT_CMP_EQ, some_host).verdict(NF_ACCEPT), closed).empty());
}

TEST_CASE("O3 a drop below IP of other packets, or of some hosts, is the owner's choice") {
    CHECK(troubles(Rules().rule().port(true).compare(NFT_CMP_EQ, port_53).verdict(NF_DROP), ingress).empty());
    CHECK(troubles(Rules().rule().source().compare(NFT_CMP_EQ, some_host).verdict(NF_DROP), ingress).empty());
    CHECK(troubles(Rules().rule().protocol().compare(NFT_CMP_EQ, tcp).verdict(NF_DROP), ingress).empty());
    ChainSeen elsewhere = ingress;
    elsewhere.devices = {"dmz"};
    CHECK(troubles(Rules().rule().verdict(NF_DROP), elsewhere).empty());
    // Not a hook of a device.
    CHECK(troubles(Rules().rule().verdict(NF_DROP), chain_of(NFPROTO_INET, NF_INET_PRE_ROUTING)).empty());
}

TEST_CASE("O3 a drop in the family bridge counts where a bridge carries the packets") {
    const ChainSeen input = chain_of(NFPROTO_BRIDGE, NF_INET_LOCAL_IN);
    CHECK(troubles(Rules().rule().port(true).compare(NFT_CMP_EQ, port_5060).verdict(NF_DROP), input, true) ==
          Texts{"input: signalling to UDP port 5060 over IPv4 and IPv6"});
    CHECK(troubles(Rules().rule().port(true).compare(NFT_CMP_EQ, port_5060).verdict(NF_DROP), input).empty());
}

TEST_CASE("O3 X12 a translation of signalling from outside, before that of sipalg") {
    ChainSeen early = chain_of(NFPROTO_IPV4, NF_INET_PRE_ROUTING);
    early.type = "nat";
    early.priority = -110;
    const auto handle = [](Rules& rules, const ChainSeen& chain) {
        TableReader table = rules.table();
        return translating_rule(table, chain, NFPROTO_IPV4, {"wan", "lan", {5060}});
    };
    CHECK(handle(Rules().rule(7).port(true).compare(NFT_CMP_EQ, port_5060).translate("nat"), early) == 7);
    CHECK(handle(Rules().rule(7).protocol().compare(NFT_CMP_EQ, udp).translate("redir"), early) == 7);
    // Only for some public addresses, as a forward has it.
    CHECK(handle(Rules().rule(7).source().compare(NFT_CMP_EQ, some_host).translate("nat"), early) == 7);
    CHECK(handle(Rules().rule(7).port(true).compare(NFT_CMP_EQ, port_53).translate("nat"), early) == 0);
    // An earlier rule leaves signalling alone.
    CHECK(handle(Rules()
                     .rule(6)
                     .port(true)
                     .compare(NFT_CMP_EQ, port_5060)
                     .verdict(NF_ACCEPT)
                     .rule(7)
                     .translate("redir"),
                 early) == 0);
    // That of a forward, after sipalg.
    early.priority = -100;
    CHECK(handle(Rules().rule(7).translate("redir"), early) == 0);
}
