#include "alg/ctl/test_call.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::ctl;
using testcall::Step;

TEST_CASE("O3 doctor --call: its options are apart from those of the plain command") {
    const Options options = parse_options({"--json", "--control", "x", "doctor", "--call", "--phone",
                                           "192.168.1.9", "--peer", "192.0.2.1", "--config", "f"});
    CHECK(options.test_call);
    CHECK(options.phone == "192.168.1.9");
    CHECK(options.peer == "192.0.2.1");
    CHECK(options.config == "f");
    CHECK(options.tcp == false);
    CHECK(parse_options({"doctor", "--call", "--tcp"}).tcp);
    CHECK_FALSE(parse_options({"doctor"}).test_call);
    CHECK(parse_options({"calls", "--call", "doctor"}).call == "doctor");
    for (const std::vector<std::string>& wrong :
         {std::vector<std::string>{"doctor", "--phone", "192.168.1.9"},
          {"doctor", "--config", "f"},
          {"doctor", "--call", "--peer", "provider.example"},
          {"doctor", "--call", "--phone", "192.168.1.9", "--peer", "2001:db8::1"},
          {"doctor", "--tcp"},
          {"doctor", "--call", "word"},
          {"status", "--peer", "192.0.2.1"}})
        CHECK_THROWS_AS(static_cast<void>(parse_options(wrong)), UsageError);
}

TEST_CASE(
    "O3 the ends of the test call are a registered phone and its registrar, unless the user names others") {
    const auto status = Json::parse(R"({"serving": true, "inside": ["lan"]})");
    const auto bindings = Json::parse(R"([7, {"inside": "[2001:db8::1]:5060", "registrar": "2001:db8::2"},
        {"inside": "192.168.1.9:5060", "registrar": "192.0.2.1"},
        {"inside": "192.168.1.8:5060", "registrar": "192.0.2.2"}])");
    const auto request = test_call_request(Options{}, status, bindings);
    CHECK(request.ends.known_phone == Address::parse("192.168.1.9"));
    CHECK(request.ends.provider == Address::parse("192.0.2.1"));
    CHECK(request.ends.inside == std::vector<std::string>{"lan"});
    Options options;
    options.peer = "198.51.100.1";
    CHECK(test_call_request(options, status, bindings).ends.provider == Address::parse("198.51.100.1"));
    options.peer = "2001:db8::3";
    const auto over_ipv6 = test_call_request(options, status, bindings);
    CHECK(over_ipv6.ends.family == Family::v6);
    CHECK(over_ipv6.ends.known_phone == Address::parse("2001:db8::1"));
    CHECK_FALSE(test_call_request(Options{}, std::nullopt, std::nullopt).ends.provider);
}

TEST_CASE("O3 the test call as text and as JSON") {
    testcall::Report report;
    report.steps = {{Step::Result::passed, "copy", "made", ""},
                    {Step::Result::failed, "start", "evil \x1b[2J", "nft list ruleset"}};
    report.not_copied = {"VRF red"};
    CHECK_FALSE(report.works());
    CHECK(step_text(report.steps[0]) == "ok       copy               made\n");
    CHECK(step_text(report.steps[1]) == "failed   start              evil \\x1b[2J\n    nft list ruleset\n");
    CHECK(test_call_end(report).starts_with("calls do not work on this router\nnot copied: VRF red\n"));
    const Json document = test_call_document(report);
    CHECK(document["works"] == false);
    CHECK(document["steps"][1]["command"] == "nft list ruleset");
    CHECK(document["steps"][1]["result"] == "failed");
    report.steps.pop_back();
    CHECK(report.works());
    CHECK(test_call_end(report).starts_with("calls work on this router\n"));
}
