#include "nft/forward_check.hpp"

#include <doctest/doctest.h>

#include "tests/unit/nft/owner_rules.hpp"

using namespace sipalg::nft;

TEST_CASE("A8 a flowtable takes signalling unless a rule before it exempts both directions") {
    CHECK_FALSE(Rules().rule().verdict(NF_ACCEPT).offloads());
    CHECK(Rules().rule().flow_add().offloads());
    // The exemption that status and doctor print.
    const std::vector<SetElement> sip{port(port_5060), port(port_5061)};
    CHECK_FALSE(Rules()
                    .set("sip", sip)
                    .rule()
                    .port(true)
                    .look_up("sip", true)
                    .port(false)
                    .look_up("sip", true)
                    .flow_add()
                    .offloads());
    CHECK(Rules().set("sip", sip).rule().port(true).look_up("sip", true).flow_add().offloads());
    CHECK(Rules()
              .set("sip", sip)
              .rule()
              .port(true)
              .look_up("sip", true)
              .port(false)
              .look_up("sip", true)
              .flow_add()
              .offloads({5080}));
}

TEST_CASE("A8 signalling that leaves the chain before the flowtable is not offloaded") {
    CHECK_FALSE(Rules()
                    .rule()
                    .port(true)
                    .compare(NFT_CMP_EQ, port_5060)
                    .verdict(NF_ACCEPT)
                    .rule()
                    .port(false)
                    .compare(NFT_CMP_EQ, port_5060)
                    .verdict(NF_ACCEPT)
                    .rule()
                    .flow_add()
                    .offloads());
    CHECK(Rules()
              .rule()
              .port(true)
              .compare(NFT_CMP_EQ, port_5060)
              .verdict(NF_ACCEPT)
              .rule()
              .flow_add()
              .offloads());
    CHECK_FALSE(Rules().rule().protocol().compare(NFT_CMP_EQ, icmp).flow_add().offloads());
    CHECK(Rules().rule().protocol().compare(NFT_CMP_EQ, tcp).flow_add().offloads());
    CHECK(Rules()
              .rule()
              .protocol()
              .compare(NFT_CMP_EQ, udp)
              .verdict(NFT_JUMP, "fast")
              .rule("fast")
              .flow_add()
              .offloads());
    // Ports from 5061 on, in both directions.
    CHECK_FALSE(Rules()
                    .rule()
                    .port(true)
                    .compare(NFT_CMP_GTE, port_5061)
                    .port(false)
                    .compare(NFT_CMP_GTE, port_5061)
                    .flow_add()
                    .offloads());
}

TEST_CASE("A8 the exemption names at least two ports, because nft 1.0.6 merges two compares of one") {
    CHECK(offload_exemption(std::vector<std::uint16_t>{5060}) ==
          "th dport != { 5060, 5061 } th sport != { 5060, 5061 }");
    CHECK(offload_exemption(std::vector<std::uint16_t>{5060, 5080, 5070}) ==
          "th dport != { 5060, 5080, 5070 } th sport != { 5060, 5080, 5070 }");
}
