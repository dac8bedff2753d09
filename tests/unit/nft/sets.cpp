#include "nft/sets.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "tests/unit/nft/messages.hpp"

using namespace sipalg::nft;

namespace {

SetDefinition set_of(const Settings& settings, std::string_view name, Origin origin = Origin::payload) {
    const auto sets = sets_of(settings, origin);
    const auto at =
        std::find_if(sets.begin(), sets.end(), [&](const SetDefinition& set) { return set.name == name; });
    if (at == sets.end()) throw std::runtime_error("there is no set " + std::string(name));
    return *at;
}

}  // namespace

TEST_CASE("a set's text is that of nft's listing") {
    const Settings none;
    CHECK(set_of(none, "pinholes").text() ==
          "\tset pinholes {\n\t\ttype inet_proto . ipv4_addr . ipv4_addr . inet_service\n\t\tflags "
          "timeout\n\t}\n");
    CHECK(set_of(none, "mappings_out").text() ==
          "\tmap mappings_out {\n\t\ttype inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service\n"
          "\t\tflags timeout\n\t}\n");
    CHECK(set_of(none, "latches6").text() ==
          "\tset latches6 {\n\t\ttype inet_proto . ipv6_addr . inet_service\n\t\tsize 4096\n"
          "\t\tflags dynamic,timeout\n\t}\n");
    CHECK(set_of(none, "outside_route").text() ==
          "\tset outside_route {\n\t\ttypeof fib daddr oifname\n\t}\n");
}

TEST_CASE("a setting given twice is one element, in order; nft breaks lines after five elements") {
    Settings settings;
    settings.sip_ports = {5066, 5065, 5064, 5060, 5062, 5061, 5060};
    settings.outside = {"wan2", "wan", "wan2"};
    const SetDefinition ports = set_of(settings, "sip_ports");
    CHECK(ports.fixed.size() == 6);
    CHECK(ports.text() ==
          "\tset sip_ports {\n\t\ttype inet_service\n"
          "\t\telements = { 5060, 5061, 5062, 5064, 5065,\n\t\t\t     5066 }\n\t}\n");
    CHECK(set_of(settings, "outside").fixed_text == std::vector<std::string>{"\"wan\"", "\"wan2\""});
}

TEST_CASE("optional sets are made only if the settings need them") {
    CHECK_THROWS(set_of({}, "inside"));
    CHECK_THROWS(set_of({}, "sip_words"));
    Settings settings;
    settings.inside = {"lan"};
    settings.find_sip = true;
    CHECK(set_of(settings, "inside").fixed.size() == 1);
    CHECK(set_of(settings, "sip_words").type == "@ih,0,32");
    CHECK(set_of(settings, "sip_words", Origin::transport).type == "@th,64,32");
}

TEST_CASE("the message that makes a set is that of nft") {
    Batch batch;
    set_of({}, "mappings_in").add_to(batch, "sipalg", 7);
    const auto bytes = batch.seal(1, true);
    const auto all = test::messages(bytes);
    const auto at = std::find_if(all.begin(), all.end(), [](const test::Message& message) {
        return message.type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSET);
    });
    REQUIRE(at != all.end());
    std::unique_ptr<nftnl_set, void (*)(const nftnl_set*)> set(nftnl_set_alloc(), nftnl_set_free);
    REQUIRE(nftnl_set_nlmsg_parse(at->header, set.get()) == 0);
    const auto number = [&](std::uint16_t attribute) { return nftnl_set_get_u32(set.get(), attribute); };
    CHECK(nftnl_set_get_str(set.get(), NFTNL_SET_TABLE) == std::string("sipalg"));
    CHECK(nftnl_set_get_str(set.get(), NFTNL_SET_NAME) == std::string("mappings_in"));
    CHECK(number(NFTNL_SET_ID) == 7);
    CHECK(number(NFTNL_SET_FLAGS) == (NFT_SET_MAP | NFT_SET_TIMEOUT));
    CHECK(number(NFTNL_SET_KEY_TYPE) == (12 << 12 | 7 << 6 | 13));  // inet_proto . ipv4_addr . inet_service
    CHECK(number(NFTNL_SET_KEY_LEN) == 12);
    CHECK(number(NFTNL_SET_DATA_TYPE) == (7 << 6 | 13));
    CHECK(number(NFTNL_SET_DATA_LEN) == 8);
}

TEST_CASE("a set is emptied before it is filled") {
    Settings settings;
    settings.sip_ports = {5070, 5060};
    Batch batch;
    set_of(settings, "sip_ports").fill(batch, "sipalg");
    const auto bytes = batch.seal(1, true);
    CHECK(test::element_lines(bytes) ==
          std::vector<std::string>{"ensure sip_ports 13c4", "ensure sip_ports 13ce"});
    const auto all = test::messages(bytes);
    const auto first = [&](int type) {
        return std::find_if(all.begin(), all.end(), [&](const test::Message& message) {
            return message.type == (NFNL_SUBSYS_NFTABLES << 8 | type);
        });
    };
    CHECK(first(NFT_MSG_DELSETELEM) < first(NFT_MSG_NEWSETELEM));
}

TEST_CASE("N3 allowed peers are intervals: the first address, and the one after the last") {
    Settings settings;
    settings.hosts.allowed = {{*sipalg::Address::parse("255.0.0.0"), 8},
                              {*sipalg::Address::parse("203.0.113.8"), 29},
                              {*sipalg::Address::parse("203.0.113.255"), 32},
                              {*sipalg::Address::parse("2001:db8::"), 33}};
    const auto elements = [&](std::string_view name) {
        std::string text;
        for (const auto& [key, ends] : set_of(settings, name).fixed) {
            std::array<std::uint8_t, 16> bytes{};
            std::copy_n(key.bytes.begin(), 16, bytes.begin());
            text += (text.empty() ? "" : " ") + std::string(ends ? "-" : "");
            text += key.size == 4 ? sipalg::Address::v4({bytes[0], bytes[1], bytes[2], bytes[3]}).text()
                                  : sipalg::Address::v6(bytes).text();
        }
        return text;
    };
    const auto listed = [&](std::string_view name) { return set_of(settings, name).fixed_text; };
    CHECK(elements("allowed_peers") == "203.0.113.8 -203.0.113.16 203.0.113.255 -203.0.114.0 255.0.0.0");
    CHECK(elements("allowed_peers6") == "2001:db8:: -2001:db8:8000::");
    CHECK(listed("allowed_peers") ==
          std::vector<std::string>{"203.0.113.8/29", "203.0.113.255", "255.0.0.0/8"});
    CHECK(listed("allowed_peers6") == std::vector<std::string>{"2001:db8::/33"});
    CHECK(set_of(settings, "allowed_peers").flags() == NFT_SET_INTERVAL);
}
