#include "alg/ctl/call_view.hpp"

#include <doctest/doctest.h>

using namespace sipalg::ctl;

TEST_CASE("SPEC 1 call ID shows one call: its parties, media, timers, messages and pinholes") {
    const Json document = Json::parse(R"({"calls":[{"call_id":"c@x","state":"confirmed","direction":"out",
        "from":"sip:a@x","to":"sip:b@x","phone":"192.168.1.10","peer":"192.0.2.1","started":"2026-01-01T00:00:00Z",
        "treatment":"rewritten","observed":false,"media":[{"type":"audio","public":"203.0.113.1:4000",
        "inside":"192.168.1.10:4000","remote":"192.0.2.1:6000","state":"open","silent":"peer"}],
        "timers":[{"in_s":290,"text":"the call ends if no media are seen"}],
        "ladder":[{"after_ms":0,"from":"inside","title":"INVITE","reason":"rewritten","changed":["Contact","c= line"]},
        {"after_ms":1250,"from":"outside","title":"200 INVITE","reason":"unchanged","changed":[]}],
        "ladder_left_out":1}],
        "pinholes":[{"public":"203.0.113.1:4000","inside":"192.168.1.10:4000","remote":"192.0.2.1","serves":"media",
        "media":"audio","component":"rtp","state":"open","expires_s":75,"packets_from_phone":10,"bytes_from_phone":2000,
        "packets_from_peer":0,"bytes_from_peer":0},
        {"public":"203.0.113.1:5060","inside":"192.168.1.10:5060","remote":"192.0.2.1","serves":"call",
        "state":"open","expires_s":75,"packets_from_phone":null}]})");
    CHECK(one_call(document, Layout{}) ==
          "call_id       c@x\n"
          "state         confirmed\n"
          "direction     out\n"
          "from          sip:a@x\n"
          "to            sip:b@x\n"
          "phone         192.168.1.10\n"
          "peer          192.0.2.1\n"
          "started       2026-01-01T00:00:00Z\n"
          "messages      rewritten\n"
          "media         audio open: inside 192.168.1.10:4000, public 203.0.113.1:4000, peer 192.0.2.1:6000, "
          "peer silent\n"
          "timer         in 4m50s the call ends if no media are seen\n"
          "\n"
          "SECONDS  PHONE  PEER  MESSAGE     OUTCOME    CHANGED\n"
          "0.000      ------>    INVITE      rewritten  Contact, c= line\n"
          "1.250      <------    200 INVITE  unchanged  -\n"
          "1 message between the first and the latest are not listed\n"
          "\n"
          "PUBLIC            INSIDE             REMOTE     SERVES      PEER SENT  PHONE SENT  LEFT   STATE\n"
          "203.0.113.1:4000  192.168.1.10:4000  192.0.2.1  audio rtp   0 / 0      10 / 2000   1m15s  open\n"
          "203.0.113.1:5060  192.168.1.10:5060  192.0.2.1  signalling  -          -           1m15s  open\n");
}

TEST_CASE("SPEC 1 every leg of a Call-ID is shown") {
    const Json document = Json::parse(R"({"calls":[{"call_id":"c","phone":"192.168.1.10"},
        {"call_id":"c","phone":"192.168.1.11"}],"pinholes":[]})");
    const std::string text = one_call(document, Layout{});
    CHECK(text.find("192.168.1.10") < text.find("192.168.1.11"));
    CHECK(text.find("no messages since sipalgd started") != std::string::npos);
    CHECK(text.find("no pinholes") != std::string::npos);
}
