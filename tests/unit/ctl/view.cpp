#include "alg/ctl/view.hpp"

#include <doctest/doctest.h>

using namespace sipalg::ctl;

TEST_CASE("empty lists are shown as a sentence") {
    CHECK(view("calls", Json::array()) == "no calls\n");
    CHECK(view("pinholes", Json::array()) == "no pinholes\n");
    CHECK(view("bindings", Json::array()) == "no bindings\n");
    CHECK(view("flows", Json::array()) == "no flows\n");
}

TEST_CASE("calls") {
    const Json rows = Json::parse(R"([{"call_id":"a1@\u001b[31mx","state":"confirmed","direction":"out",
        "from":"sip:a@x","to":"sip:b@y","phone":"192.168.1.10","peer":"192.0.2.1",
        "started":"2026-01-02T03:04:05Z","treatment":"rewritten","media":[{"type":"audio","state":"open","silent":"peer"},
        {"type":"video","state":"off","silent":null}]}])");
    CHECK(view("calls", rows) ==
          "STATE      DIR  PHONE         PEER       FROM     TO       STARTED               "
          "MESSAGES   MEDIA                                CALL-ID\n"
          "confirmed  out  192.168.1.10  192.0.2.1  sip:a@x  sip:b@y  2026-01-02T03:04:05Z  "
          "rewritten  audio open (peer silent), video off  a1@\\x1b[31mx\n");
}

TEST_CASE("pinholes and bindings have readable times") {
    const Json pinholes = Json::parse(R"([{"proto":"udp","public":"203.0.113.1:4000",
        "inside":"192.168.1.10:4000","remote":"192.0.2.1","media":"audio","component":"rtp","call_id":"c",
        "state":"open","expires_s":75,"serves":"media","observed":true}])");
    CHECK(view("pinholes", pinholes) ==
          "PROTO  PUBLIC            INSIDE             REMOTE     SERVES     STATE            EXPIRES  "
          "CALL-ID\n"
          "udp    203.0.113.1:4000  192.168.1.10:4000  192.0.2.1  audio rtp  open (observed)  1m15s    c\n");
    const Json bindings = Json::parse(R"([{"proto":"udp","public":"203.0.113.1:5060",
        "inside":"192.168.1.10:5060","aor":"sip:a@x","registrar":"192.0.2.1","expires_s":3599,"treatment":"untouched","observed":false}])");
    CHECK(view("bindings", bindings) ==
          "PROTO  PUBLIC            INSIDE             REGISTRAR  EXPIRES  MESSAGES    AOR\n"
          "udp    203.0.113.1:5060  192.168.1.10:5060  192.0.2.1  59m59s   unmodified  sip:a@x\n");
}

TEST_CASE("O1 the list of pinholes says what each one serves") {
    Json rows = Json::array();
    for (const char* serves : {"media", "latch", "call", "registration", "allowed_peer"})
        rows.push_back(
            {{"public", "203.0.113.1:1"}, {"serves", serves}, {"media", "audio"}, {"component", "rtp"}});
    const std::string text = view("pinholes", rows, {});
    for (const char* words : {"audio rtp", "audio latch", "signalling", "registration", "allowed peer"})
        CHECK(text.find(words) != std::string::npos);
}

TEST_CASE("S2 the list of calls has the reasons why messages are not changed, if there are some") {
    Json rows = Json::array({{{"call_id", "a"}, {"treatment", "rewritten"}, {"unchanged_why", nullptr}}});
    Layout narrow;
    narrow.wide = false;
    CHECK(view("calls", rows, narrow).find("UNCHANGED BECAUSE") == std::string::npos);
    rows.push_back({{"call_id", "b"}, {"treatment", "untouched"}, {"unchanged_why", "mode pinhole"}});
    CHECK(view("calls", rows, narrow).find("UNCHANGED BECAUSE") != std::string::npos);
    CHECK(view("calls", rows, narrow).find("mode pinhole") != std::string::npos);
    CHECK(view("calls", rows).find("unmodified (mode pinhole)") != std::string::npos);
}

TEST_CASE("O1 flows on other ports are marked") {
    const Json rows = Json::parse(R"([{"proto":"tcp","phone":"192.168.1.10:40000","peer":"192.0.2.1:5061",
        "opened_by":"inside","kind":"tls","sni":"sip.example.com","treatment":"untouched","configured":true,
        "idle_s":61,"packets":1},{"proto":"udp","phone":"192.168.1.10:5070","peer":"192.0.2.1:5070",
        "opened_by":"outside","kind":"sip","sni":null,"treatment":"untouched","configured":false,"idle_s":0,
        "packets":12}])");
    CHECK(
        view("flows", rows) ==
        "PROTO  PHONE               PEER            OPENED   KIND  TREATMENT                 PACKETS  IDLE  "
        "SERVER NAME\n"
        "tcp    192.168.1.10:40000  192.0.2.1:5061  inside   tls   unmodified                1        1m1s  "
        "sip.example.com\n"
        "udp    192.168.1.10:5070   192.0.2.1:5070  outside  sip   unmodified (no SIP port)  12       0s    "
        "-\n");
}

TEST_CASE("O1 status shows verdict, settings and totals, and counters that are not zero") {
    const Json document =
        Json::parse(R"({"serving":true,"warnings":[],"version":"9.9","pid":7,"uptime_s":90061,
        "outside":["wan"],"inside":["lan","wlan"],"addresses":[{"interface":"wan","address":"10.0.0.1",
        "advertised":"203.0.113.7"}],"queue":5060,"queue_method":"native","table":"sipalg","accept_in":[],
        "sip_ports":[5060,5070],"tls_ports":[5061],
        "find_sip":true,"sees_streams":false,"flows":{"unknown":0,"tls":1,"sip":2},"media_ports":"16384-32767","mode":"auto","calls":1,"bindings":2,"mappings":3,"pinholes":4,
        "media_counted":true,"counters":{"rewritten":12,"stun":0}})");
    CHECK(view("status", document) ==
          "serving; no warnings\n\n"
          "sipalgd       9.9, pid 7, serving for 1d1h\n"
          "outside       wan\n"
          "address       wan 10.0.0.1, advertised as 203.0.113.7\n"
          "inside        lan, wlan\n"
          "SIP ports     5060, 5070\n"
          "TLS ports     5061 (UDP only: this kernel cannot match TCP payload)\n"
          "other ports   searched for SIP, see sipalgctl flows\n"
          "media ports   16384-32767\n"
          "mode          auto\n"
          "queue         5060 (native)\n"
          "table         inet sipalg\n"
          "accept rules  none\n"
          "calls         1\n"
          "bindings      2\n"
          "mappings      3\n"
          "pinholes      4\n"
          "flows         1 tls, 2 sip\n"
          "media         counted by conntrack\n"
          "\n"
          "MESSAGES   COUNT\n"
          "rewritten  12\n");
}

TEST_CASE("unknown parts of documents are ignored") {
    CHECK(view("calls", Json::parse(R"([{}, 3, {"media": 4, "state": [1]}])")).find("STATE") == 0);
    CHECK(view("status", Json::object()).find("not serving") == 0);
    CHECK(view("call", Json::parse(R"({"calls":[3,{"media":[4]}],"pinholes":[]})")).find("no pinholes") !=
          std::string::npos);
    CHECK(view("reload", Json::object()).find("configuration reloaded\n") == 0);
    CHECK(view("limits", Json::parse(R"([3])")).find("LIMIT") == 0);
    CHECK(view("status", Json::parse(R"({"media_counted":false})")).find("nf_conntrack_acct is off") !=
          std::string::npos);
    CHECK_THROWS_AS(view("calls", Json::object()), NotServing);
    CHECK_THROWS_AS(view("status", Json::array()), NotServing);
}

TEST_CASE("counters show every reason, including zeros") {
    CHECK(view("counters", Json::parse(R"({"rewritten":12,"stun":0})")) ==
          "MESSAGES   COUNT\n"
          "rewritten  12\n"
          "stun       0\n");
}

TEST_CASE("O3 status begins with a verdict and one line for each warning") {
    const auto head = [](const char* json) {
        const std::string text = view("status", Json::parse(json));
        return text.substr(0, text.find("\n\n") + 1);
    };
    CHECK(head(R"({"serving":true,"warnings":["a","b\u001b"]})") ==
          "serving; 2 warnings\nwarning: a\nwarning: b\\x1b\n");
    CHECK(head(R"({"serving":true,"warnings":["a"]})") == "serving; 1 warning\nwarning: a\n");
    CHECK(head(R"({"serving":false})") == "not serving\n");
    CHECK(head(R"({"serving":true})") == "serving\n");  // of an older daemon
}

TEST_CASE("SPEC 1 close shows the calls that were closed") {
    CHECK(
        view("close", Json::parse(R"({"closed":[{"call_id":"c@x","phone":"192.168.1.10","peer":"192.0.2.1"}],
        "pinholes_closed":2})")) == "closed c@x (192.168.1.10, 192.0.2.1)\n1 call and 2 pinholes closed\n");
    CHECK(view("close", Json::object()) == "-\n");
}

TEST_CASE("SPEC 1 reload shows the options that changed and those that need a restart") {
    CHECK(view("reload",
               Json::parse(R"({"reloaded":true,"file":"/f.conf","changed":["mode"],"needs_restart":[]})")) ==
          "configuration reloaded from /f.conf\nchanged: mode\nneeds a restart: nothing\n");
}

TEST_CASE("X7 limits are shown with their use") {
    CHECK(view("limits", Json::parse(R"([{"name":"calls","limit":10,"in_use":1,"behaviour":"refused"},
        {"name":"mappings","limit":5,"in_use":null,"behaviour":"x"}])")) ==
          "LIMIT     VALUE  IN USE  AT THE LIMIT\n"
          "calls     10     1       refused\n"
          "mappings  5      -       x\n");
}

TEST_CASE(
    "A4 O1 status has a line for each forward chain: with the accept rule, without need, or without a way") {
    const std::string text =
        view("status", Json::parse(R"({"accept_in": ["inet fw forward"], "accept_chains": [
        {"chain": "inet fw forward", "state": "accepting", "reason": ""},
        {"chain": "inet qos forward", "state": "needless", "reason": "the chain cannot drop"},
        {"chain": "ip filter (legacy) FORWARD", "state": "refused", "reason": "legacy"}]})"));
    CHECK(text.find("accept rule   in inet fw forward\n") != std::string::npos);
    CHECK(text.find("accept rule   not in inet qos forward: the chain cannot drop\n") != std::string::npos);
    CHECK(text.find("accept rule   not in ip filter (legacy) FORWARD: legacy\n") != std::string::npos);
    CHECK(view("status", Json::parse(R"({"accept_in": []})")).find("accept rules  none\n") !=
          std::string::npos);
}
