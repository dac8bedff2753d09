#include "alg/ctl/view.hpp"

#include <doctest/doctest.h>

using namespace sipalg::ctl;

TEST_CASE("nothing is a sentence") {
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

TEST_CASE("pinholes and bindings, with times people can read") {
    const Json pinholes = Json::parse(R"([{"proto":"udp","public":"203.0.113.1:4000",
        "inside":"192.168.1.10:4000","remote":"192.0.2.1","media":"audio","component":"rtp","call_id":"c",
        "state":"open","expires_s":75,"observed":true}])");
    CHECK(view("pinholes", pinholes) ==
          "PROTO  PUBLIC            INSIDE             REMOTE     MEDIA      STATE            EXPIRES  "
          "CALL-ID\n"
          "udp    203.0.113.1:4000  192.168.1.10:4000  192.0.2.1  audio rtp  open (observed)  1m15s    c\n");
    const Json bindings = Json::parse(R"([{"proto":"udp","public":"203.0.113.1:5060",
        "inside":"192.168.1.10:5060","aor":"sip:a@x","registrar":"192.0.2.1","expires_s":3599,"treatment":"untouched","observed":false}])");
    CHECK(view("bindings", bindings) ==
          "PROTO  PUBLIC            INSIDE             REGISTRAR  EXPIRES  MESSAGES   AOR\n"
          "udp    203.0.113.1:5060  192.168.1.10:5060  192.0.2.1  59m59s   unmodified  sip:a@x\n");
}

TEST_CASE("flows, with what is not configured") {
    const Json rows = Json::parse(R"([{"proto":"tcp","phone":"192.168.1.10:40000","peer":"192.0.2.1:5061",
        "opened_by":"inside","kind":"tls","sni":"sip.example.com","treatment":"untouched","configured":true,
        "idle_s":61,"packets":1},{"proto":"udp","phone":"192.168.1.10:5070","peer":"192.0.2.1:5070",
        "opened_by":"outside","kind":"sip","sni":null,"treatment":"untouched","configured":false,"idle_s":0,
        "packets":12}])");
    CHECK(
        view("flows", rows) ==
        "PROTO  PHONE               PEER            OPENED   KIND  TREATMENT                PACKETS  IDLE  "
        "SERVER NAME\n"
        "tcp    192.168.1.10:40000  192.0.2.1:5061  inside   tls   unmodified                1        1m1s  "
        "sip.example.com\n"
        "udp    192.168.1.10:5070   192.0.2.1:5070  outside  sip   unmodified (no SIP port)  12       0s    "
        "-\n");
}

TEST_CASE("status says where it stands and what it counted, without the zeros") {
    const Json document = Json::parse(R"({"serving":true,"version":"9.9","pid":7,"uptime_s":90061,
        "outside":["wan"],"inside":["lan","wlan"],"addresses":[{"interface":"wan","address":"10.0.0.1",
        "advertised":"203.0.113.7"}],"queue":5060,"queue_method":"native","table":"sipalg","accept_in":[],
        "sip_ports":[5060,5070],"tls_ports":[5061],
        "find_sip":true,"sees_streams":false,"flows":{"unknown":0,"tls":1,"sip":2},"media_ports":"16384-32767","mode":"auto","calls":1,"bindings":2,"mappings":3,"pinholes":4,
        "media_counted":true,"counters":{"rewritten":12,"stun":0}})");
    CHECK(view("status", document) ==
          "sipalgd       9.9, pid 7, serving for 1d1h\n"
          "outside       wan\n"
          "address       wan 10.0.0.1, shown as 203.0.113.7\n"
          "inside        lan, wlan\n"
          "SIP ports     5060, 5070\n"
          "TLS ports     5061 (UDP only: this kernel can't look into TCP)\n"
          "other ports   SIP is looked for, see sipalgctl flows\n"
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

TEST_CASE("documents of another shape break nothing") {
    CHECK(view("calls", Json::parse(R"([{}, 3, {"media": 4, "state": [1]}])")).find("STATE") == 0);
    CHECK(view("status", Json::object()).find("sipalgd") == 0);
    CHECK(view("status", Json::parse(R"({"media_counted":false})")).find("nf_conntrack_acct is off") !=
          std::string::npos);
    CHECK_THROWS_AS(view("calls", Json::object()), NotServing);
    CHECK_THROWS_AS(view("status", Json::array()), NotServing);
}

TEST_CASE("counters show every word, zeros included") {
    CHECK(view("counters", Json::parse(R"({"rewritten":12,"stun":0})")) ==
          "MESSAGES   COUNT\n"
          "rewritten  12\n"
          "stun       0\n");
}
