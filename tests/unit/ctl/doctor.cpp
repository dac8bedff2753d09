#include "alg/ctl/doctor.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::ctl;

TEST_CASE("O3 doctor examines what the running daemon uses") {
    const auto subject = doctor_subject(Json::parse(R"({"serving": true, "table": "voice", "outside": ["wan"],
        "inside": ["lan"], "sip_ports": [5060, 5080], "queue": 7, "media_ports": "20000-20999",
        "public_ports": ["4112-4127", "x"], "warnings": ["w"],
        "addresses": [{"interface": "wan", "address": "10.0.0.2", "advertised": "198.51.100.1"}],
        "flows": {"sip": 1, "tls": 3}, "path_signs": [{"peer": "192.0.2.1", "changed": "port", "left": "a:1",
        "seen": "a:2"}, 3]})"));
    CHECK(subject.serving);
    CHECK(subject.table == "voice");
    CHECK(subject.outside == std::vector<std::string>{"wan"});
    CHECK(subject.inside == std::vector<std::string>{"lan"});
    CHECK(subject.sip_ports == std::vector<std::uint16_t>{5060, 5080});
    CHECK(subject.queue == 7);
    CHECK(subject.media_low == 20000);
    CHECK(subject.media_high == 20999);
    CHECK(subject.public_ports == std::vector<PortRange>{{4112, 4127}});
    CHECK(subject.advertised == std::vector{*Address::parse("198.51.100.1")});
    CHECK(subject.tls_flows == 3);
    CHECK(subject.warnings == std::vector<std::string>{"w"});
    REQUIRE(subject.path_signs.size() == 2);
    CHECK(subject.path_signs[0].peer == "192.0.2.1");
    CHECK(subject.path_signs[0].changed == "port");
    CHECK(subject.path_signs[0].seen == "a:2");
    CHECK(subject.path_signs[1].changed.empty());
}

TEST_CASE("O3 without a daemon, or with an invalid answer, doctor examines the defaults") {
    for (const std::optional<Json>& status :
         {std::optional<Json>(), std::optional<Json>(Json::array()),
          std::optional<Json>(
              Json::parse(R"({"table": 7, "media_ports": "9-x", "sip_ports": [], "addresses": 1})"))}) {
        const auto subject = doctor_subject(status);
        CHECK_FALSE(subject.serving);
        CHECK(subject.table == "sipalg");
        CHECK(subject.sip_ports == std::vector<std::uint16_t>{5060});
        CHECK(subject.media_high == 32767);
    }
}

TEST_CASE("O3 findings as text and as JSON; notes are healthy") {
    using doctor::Level;
    const std::vector<doctor::Finding> notes{{Level::note, "tls", "a note", ""}};
    CHECK(healthy(notes));
    CHECK(doctor_text(notes) == "nothing is wrong\nnote: a note\n");
    const std::vector<doctor::Finding> bad{{Level::error, "forwarding", "off", "sysctl -w x=1"},
                                           {Level::warning, "daemon", "evil \x1b[2J", ""}};
    CHECK_FALSE(healthy(bad));
    CHECK(doctor_text(bad) == "1 error, 1 warning\nerror: off\n    sysctl -w x=1\nwarning: evil \\x1b[2J\n");
    const Json document = doctor_document(bad);
    CHECK(document["errors"] == 1);
    CHECK(document["findings"][0]["id"] == "forwarding");
    CHECK(document["findings"][0]["command"] == "sysctl -w x=1");
}

TEST_CASE("O3 O5 a peer is silent by the latest call with it that was measured") {
    const auto calls = Json::parse(R"([7, {"peer": "192.0.2.1:5060", "media": [{"silent": "peer"}]},
        {"peer": "192.0.2.2:5060", "media": [{"silent": "phone"}, {"silent": null}]}])");
    const auto ended = Json::parse(R"([{"peer": "192.0.2.1:5060", "media_from": "both"},
        {"peer": "192.0.2.3:5060", "media_from": "none"}, {"peer": "192.0.2.3:5060", "media_from": "phone"},
        {"peer": "192.0.2.4:5060", "media_from": "both"}, {"peer": "192.0.2.4:5060", "media_from": "phone"},
        {"peer": "[2001:db8::1]:5060", "media_from": "phone"}, {"peer": "x", "media_from": "phone"}])");
    CHECK(silent_peers(calls, ended) == std::vector<std::string>{"192.0.2.1", "192.0.2.3", "2001:db8::1"});
    CHECK(silent_peers(Json(), Json::object()).empty());
}

TEST_CASE("O3 A8 the command that keeps signalling out of a flowtable replaces the owner's rule") {
    const std::string listed =
        "table inet fw {\n\tchain forward { # handle 2\n\t\ttype filter hook forward priority filter; policy "
        "drop;\n"
        "\t\tmeta l4proto { tcp, udp } counter packets 7 bytes 900 flow add @ft # handle 9\n"
        "\t\tct state established accept # handle 10\n"
        "\t\toifname \"wan\" flow add @ft comment \"fast\" # handle 11\n\t}\n}\n";
    CHECK(exempting_command(listed, "inet fw forward", "th dport != { 5060, 5061 }") ==
          "nft replace rule inet fw forward handle 9 'meta l4proto { tcp, udp } counter packets 7 bytes 900 "
          "th dport != { 5060, 5061 } flow add @ft' && nft replace rule inet fw forward handle 11 "
          "'oifname \"wan\" th dport != { 5060, 5061 } flow add @ft comment \"fast\"'");
    CHECK(exempting_command("", "inet fw forward", "x").empty());
}
