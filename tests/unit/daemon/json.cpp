#include "alg/daemon/control/json.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

Endpoint endpoint(const char* text) {
    return *Endpoint::parse(text);
}

}  // namespace

TEST_CASE("a call has the fields of the contract, and its start is in UTC") {
    CallReport call;
    call.call_id = std::string(2000, 'x') + "@host";
    call.state = "confirmed";
    call.direction = "out";
    call.from = "sip:a@example.com";
    call.to = "sip:b@example.com";
    call.phone = "192.168.1.10";
    call.peer = "192.0.2.1";
    call.started = Time(100'000);
    call.media.push_back(
        {"audio", endpoint("192.168.1.10:4000"), endpoint("203.0.113.1:4000"), "192.0.2.1:7000", "open", ""});
    call.media.push_back({"video", {}, {}, "", "open", "peer"});
    // Ten seconds later on both clocks; 86,400 s after the epoch.
    const ClockPair clocks{Time(110'000),
                           std::chrono::system_clock::time_point(std::chrono::seconds(86'410))};
    const Json row = to_json({call}, clocks).at(0);
    CHECK(row["call_id"] == call.call_id);
    CHECK(row["state"] == "confirmed");
    CHECK(row["direction"] == "out");
    CHECK(row["from"] == "sip:a@example.com");
    CHECK(row["to"] == "sip:b@example.com");
    CHECK(row["phone"] == "192.168.1.10");
    CHECK(row["peer"] == "192.0.2.1");
    CHECK(row["started"] == "1970-01-02T00:00:00Z");
    CHECK(row["media"] == Json::parse(R"([{"type":"audio","public":"203.0.113.1:4000",
        "inside":"192.168.1.10:4000","remote":"192.0.2.1:7000","state":"open","silent":null},
        {"type":"video","public":"","inside":"","remote":"","state":"open","silent":"peer"}])"));
}

TEST_CASE("flows: TCP has additional fields, and sni is null without a name") {
    FlowReport flow;
    flow.phone = endpoint("192.168.1.10:5060");
    flow.peer = endpoint("[2001:db8::1]:5060");
    flow.opened_by = "inside";
    flow.kind = "sip";
    flow.treatment = "rewritten";
    flow.started = Time(100'000);
    flow.idle_s = 3;
    flow.outward = 5;
    flow.inward = 7;
    const ClockPair clocks{Time(110'000),
                           std::chrono::system_clock::time_point(std::chrono::seconds(86'410))};
    CHECK(to_json(std::vector{flow}, clocks) ==
          Json::parse(R"([{"proto":"udp","phone":"192.168.1.10:5060","peer":"[2001:db8::1]:5060",
        "opened_by":"inside","kind":"sip","sni":null,"treatment":"rewritten","configured":true,
        "started":"1970-01-02T00:00:00Z","idle_s":3,"packets":12,"packets_out":5,"packets_in":7}])"));
    flow.transport = Transport::tcp;
    flow.sni = "sip.example.com";
    flow.grown_outward = 44;
    flow.grown_inward = -44;
    flow.held = 100;
    const Json row = to_json(std::vector{flow}, clocks).at(0);
    CHECK(row["sni"] == "sip.example.com");
    CHECK(row["grown_out"] == 44);
    CHECK(row["grown_in"] == -44);
    CHECK(row["held"] == 100);
}

TEST_CASE("O1 the details of a call: why it is not changed, its timers and its ladder") {
    CallDetail leg;
    leg.call.call_id = "c";
    leg.call.why = Unchanged::phone_handles_nat;
    leg.timers = {{TimerReport::Ends::call, EndReason::silence, 290},
                  {TimerReport::Ends::forks, EndReason::not_answered, 300}};
    LadderStep step;
    step.after_ms = 12;
    step.method = sip::Method::invite;
    step.status = 200;
    step.from = Side::outside;
    step.reason = Reason::rewritten;
    step.places = 1U << static_cast<unsigned>(rewrite::Place::contact);
    leg.ladder = {step, LadderStep{}};
    leg.left_out = 3;
    const Json row = to_json(std::vector{leg}, ClockPair{}).at(0);
    CHECK(row["call_id"] == "c");
    CHECK(row["unchanged"] == "phone_handles_nat");
    CHECK(row["unchanged_why"] == "the phone handles NAT itself");
    CHECK(row["timers"] == Json::parse(R"([{"in_s":290,"ends":"call","reason":"silence",
        "text":"the call ends if no media are seen"},
        {"in_s":300,"ends":"forks","reason":null,"text":"forks that have not been answered end"}])"));
    CHECK(row["ladder"] == Json::parse(R"([{"after_ms":12,"from":"outside","title":"200 INVITE",
        "reason":"rewritten","changed":["Contact"]},
        {"after_ms":0,"from":"inside","title":"unknown method","reason":"unchanged","changed":[]}])"));
    CHECK(row["ladder_left_out"] == 3);
    CHECK(to_json(std::vector{CallReport{}}, ClockPair{}).at(0)["unchanged"].is_null());
}

TEST_CASE("pinholes and bindings, IPv6 in brackets") {
    PinholeReport pinhole;
    pinhole.public_endpoint = endpoint("[2001:db8::1]:4000");
    pinhole.inside = endpoint("192.168.1.10:4000");
    pinhole.remote = "*";
    pinhole.media = "audio";
    pinhole.component = "rtp";
    pinhole.call_id = "c";
    pinhole.state = "early";
    pinhole.expires_s = 32;
    CHECK(to_json(std::vector{pinhole}) == Json::parse(R"([{"proto":"udp","public":"[2001:db8::1]:4000",
        "inside":"192.168.1.10:4000","remote":"*","media":"audio","component":"rtp","call_id":"c",
        "state":"early","expires_s":32,"serves":"media","observed":false}])"));
    const BindingReport binding{Transport::tcp,
                                endpoint("203.0.113.1:5060"),
                                endpoint("192.168.1.10:5060"),
                                "sip:a@example.com",
                                "192.0.2.1",
                                3600};
    CHECK(to_json(std::vector{binding}) == Json::parse(R"([{"proto":"tcp","public":"203.0.113.1:5060",
        "inside":"192.168.1.10:5060","aor":"sip:a@example.com","registrar":"192.0.2.1","expires_s":3600,"treatment":"rewritten",
        "unchanged":null,"unchanged_why":null,"observed":false}])"));
}

TEST_CASE("an endpoint that is not known yet is empty") {
    CHECK(to_json(std::vector{PinholeReport{}}).at(0)["public"] == "");
}

TEST_CASE("an empty list is an empty array, not null") {
    CHECK(to_text(to_json(std::vector<PinholeReport>{})) == "[]");
}

TEST_CASE("every reason is the name of a counter") {
    Counters counters{};
    counters[static_cast<std::size_t>(Reason::kernel_refused)] = 7;
    const Json object = to_json(counters);
    CHECK(object.size() == reason_count);
    for (std::size_t i = 0; i < reason_count; ++i)
        CHECK(object.at(std::string(word(static_cast<Reason>(i)))) == counters[i]);
}

TEST_CASE("status has all fields of the contract") {
    Options options;
    Status status;
    status.pid = 7;
    status.ends.push_back({2, "wan", {*Address::parse("10.0.0.1"), *Address::parse("203.0.113.7")}});
    status.ends.push_back({3, "lte", {}});
    status.inside = {"lan"};
    status.accept_places = {
        {{"ip", "filter", "FORWARD"}, nft::AcceptPlace::State::accepting, ""},
        {{"inet", "fw", "late"}, nft::AcceptPlace::State::needless, "the chain cannot drop"}};
    status.queue_method = "native";
    status.watch_queue = 5061;
    status.shifted_queue = 5062;
    status.totals = {1, 2, 3, 4};
    const Json object = to_json(options, status);
    CHECK(object["serving"] == true);
    CHECK(object["version"] == SIPALG_VERSION);
    CHECK(object["pid"] == 7);
    CHECK(object["uptime_s"] == 0);
    CHECK(object["queue"] == 5060);
    CHECK(object["queues"] == 1);
    CHECK(object["queue_method"] == "native");
    CHECK(object["watch_queue"] == 5061);
    CHECK(object["shifted_queue"] == 5062);
    CHECK(object["table"] == "sipalg");
    CHECK(object["outside"] == Json::array({"wan", "lte"}));
    CHECK(object["inside"] == Json::array({"lan"}));
    CHECK(object["addresses"] ==
          Json::parse(R"([{"interface":"wan","address":"10.0.0.1","advertised":"203.0.113.7"}])"));
    CHECK(object["accept_in"] == Json::array({"ip filter FORWARD"}));
    CHECK(object["accept_chains"][1] ==
          Json{{"chain", "inet fw late"}, {"state", "needless"}, {"reason", "the chain cannot drop"}});
    CHECK(object["sip_ports"] == Json::array({5060}));
    CHECK(object["tls_ports"] == Json::array({5061}));
    CHECK(object["find_sip"] == false);
    CHECK(object["sees_streams"] == true);
    CHECK(object["flows"]["sip"] == 0);
    CHECK(object["media_ports"] == "16384-32767");
    CHECK(object["public_ports"] == Json::array());
    CHECK(object["calls"] == 1);
    CHECK(object["bindings"] == 2);
    CHECK(object["mappings"] == 3);
    CHECK(object["pinholes"] == 4);
    CHECK(object["counters"].size() == reason_count);
}

TEST_CASE("bytes that are not UTF-8 do not break the document") {
    BindingReport binding;
    binding.aor = "sip:\xff\x1b@x";
    const std::string text = to_text(to_json(std::vector{binding}));
    CHECK(text.find("sip:\xef\xbf\xbd\\u001b@x") != std::string::npos);
    CHECK_FALSE(Json::parse(text, nullptr, false).is_discarded());
}
