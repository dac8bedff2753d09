#include "nft/table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/unit/nft/messages.hpp"

using namespace sipalg::nft;

namespace {

// nft/sipalg.nft without its comments: what follows a # outside quotes, and blank lines.
std::string document() {
    std::ifstream file(TESTS_DIR "/../nft/sipalg.nft");
    std::string text;
    for (std::string line; std::getline(file, line);) {
        line.erase(std::min(line.find('#'), line.size()));
        line.erase(line.find_last_not_of(" \t") + 1);
        if (!line.empty()) text += line + "\n";
    }
    return text;
}

std::string without_blank_lines(const std::string& text) {
    std::istringstream lines(text);
    std::string result;
    for (std::string line; std::getline(lines, line);)
        if (!line.empty()) result += line + "\n";
    return result;
}

Settings wan() {
    Settings settings;
    settings.outside = {"wan"};
    return settings;
}

bool has(const std::string& text, const char* words) {
    return text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("the table's text is that of sipalg.nft") {
    for (const QueueMethod method : {QueueMethod::native, QueueMethod::compat})
        CHECK(without_blank_lines(Table(wan(), method, Origin::payload).text()) == document());
}

TEST_CASE("the text has the settings") {
    Settings settings = wan();
    settings.table = "other";
    settings.outside = {"wan2", "wan", "wan2"};
    settings.inside = {"lan"};
    settings.sip_ports = {5070, 5060};
    settings.tls_ports = {443};
    settings.queue = 10;
    settings.queues = 4;
    const std::string text = Table(settings, QueueMethod::native, Origin::payload).text();
    CHECK(has(text, "table inet other {"));
    CHECK(has(text, "elements = { \"wan\", \"wan2\" }"));
    CHECK(has(text, "elements = { \"lan\" }"));
    CHECK(has(text, "elements = { 5060, 5070 }"));
    CHECK(has(text, "iifname != @inside accept"));
    CHECK(has(text, "oifname != @inside accept"));
    CHECK(has(text, "elements = { 443 }"));
    CHECK(has(text, "queue flags bypass to 10-13"));
    CHECK(has(text, "0x1 queue flags bypass to 14"));  // for packets that are only reported
    CHECK(has(text, "@shifted queue to 15"));          // for connections that need the daemon
    CHECK_FALSE(has(text, "sip_words"));
}

TEST_CASE("N4: for a kernel that can't match TCP payload there are rules for UDP only") {
    Settings settings = wan();
    settings.find_sip = true;
    const std::string text = Table(settings, QueueMethod::native, Origin::transport).text();
    CHECK_FALSE(has(text, "@ih"));
    CHECK_FALSE(has(text, "l4proto tcp"));
    CHECK(has(text, "meta l4proto udp @th,64,16 0x16fe @th,168,8 0x1 queue flags bypass to 5061"));
    CHECK(has(text, "typeof @th,64,32"));
    CHECK(has(text, "meta l4proto udp @th,64,32 @sip_words goto found_outward"));
}

TEST_CASE("N3: packets that begin like SIP on other ports are queued, at a limited rate") {
    Settings settings = wan();
    settings.find_sip = true;
    const std::string text = Table(settings, QueueMethod::native, Origin::payload).text();
    CHECK(has(text, "@ih,0,32 @sip_words goto found_inward"));
    CHECK(has(text, "limit rate 20/second burst 40 packets queue flags bypass to 5061"));
    CHECK(has(text, "0x494e5649"));  // INVI
    settings.inside = {"lan"};
    CHECK(has(Table(settings, QueueMethod::native, Origin::payload).text(),
              "oifname != @inside accept\n\t\t@ih,0,32"));
}

TEST_CASE("existing sets are kept, and those of settings are filled again") {
    const Table table(wan(), QueueMethod::native, Origin::payload);
    const auto count = [&](const Names& present, int type) {
        Batch batch;
        table.add_contents(batch, present);
        const auto all = test::messages(batch.seal(1, true));
        return std::count_if(all.begin(), all.end(), [&](const test::Message& m) {
            return m.type == (NFNL_SUBSYS_NFTABLES << 8 | type);
        });
    };
    CHECK(count({}, NFT_MSG_NEWSET) == 34);
    CHECK(count({"pinholes", "outside"}, NFT_MSG_NEWSET) == 32);
    CHECK(count({"pinholes", "outside"}, NFT_MSG_NEWSETELEM) ==
          6);  // outside twice, SIP, TLS and both ports, transports
    CHECK(count({"pinholes", "outside"}, NFT_MSG_DELSETELEM) == 10);  // emptied before
    CHECK(count({}, NFT_MSG_NEWCHAIN) == 18);
    CHECK(count({}, NFT_MSG_NEWRULE) == 70);
}

TEST_CASE("A8 signalling gets the helper against flowtables only if the settings require it") {
    Settings settings = wan();
    const auto text = [&] { return Table(settings, QueueMethod::native, Origin::payload).text(); };
    CHECK_FALSE(has(text(), "ct helper"));
    settings.keep_out_of_flowtables = true;
    CHECK(has(text(), "ct helper not_offloaded_udp {\n\t\ttype \"sipalg\" protocol udp\n\t\tl3proto inet\n"));
    CHECK(has(text(), "type filter hook postrouting priority srcnat + 10"));
    CHECK(has(text(), "ct original proto-src @sip_ports goto not_offloaded"));
    CHECK(has(text(),
              "meta l4proto . ct original ip saddr . ct original proto-src @listeners goto not_offloaded"));
    CHECK(has(text(), "ct helper set \"not_offloaded_udp\""));
    CHECK(has(text(), "ct helper set \"not_offloaded_tcp\""));
}
