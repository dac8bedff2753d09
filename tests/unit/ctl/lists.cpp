#include "alg/ctl/lists.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "alg/base/escape.hpp"

using namespace sipalg;
using namespace sipalg::ctl;

namespace {

Layout terminal(std::size_t room) {
    return {false, room, std::chrono::system_clock::time_point(std::chrono::seconds(1'767'323'045 + 192))};
}

std::size_t widest(const std::string& text) {
    std::istringstream lines(text);
    std::size_t most = 0;
    for (std::string line; std::getline(lines, line);)
        most = std::max(most, width(line));
    return most;
}

const Json calls = Json::parse(R"([
    {"call_id":"a84b4c76e66710f0b1d4c2@192.168.1.10","state":"confirmed","direction":"out",
     "from":"sip:alice@provider.example.com","to":"sip:+4930123456789@provider.example.com",
     "phone":"192.168.1.10","peer":"198.51.100.7","started":"2026-01-02T03:04:05Z","treatment":"rewritten",
     "media":[{"type":"audio","state":"open","silent":"peer"},{"type":"video","state":"off","silent":null}]},
    {"call_id":"b@x","state":"early","direction":"in","from":"sip:bob@x","to":"sip:alice@y",
     "phone":"192.168.1.11","peer":"198.51.100.7","started":"2026-01-02T03:07:00Z","treatment":"rewritten",
     "media":[{"type":"audio","state":"early","silent":null}]}])");

}  // namespace

TEST_CASE("O1 calls fit 80 columns, with the age of a call and the side that is silent") {
    CHECK(calls_list(calls, terminal(80)) ==
          "STATE      DIR  PHONE         WITH            AGE    MEDIA        CALL-ID\n"
          "confirmed  out  192.168.1.10  +49301234567..  3m12s  peer silent  a84b4c76e667..\n"
          "early      in   192.168.1.11  bob@x           17s    audio early  b@x\n");
}

TEST_CASE("O1 lists fit terminals that are narrower than 80 columns, and cut no state") {
    const Json pinholes = Json::parse(R"([{"proto":"udp","public":"203.0.113.1:16384",
        "inside":"192.168.100.100:16384","remote":"198.51.100.107","media":"audio","component":"rtcp",
        "call_id":"a84b4c76e66710f0b1d4c2@192.168.1.10","state":"learned","expires_s":275}])");
    const Json bindings = Json::parse(R"([{"proto":"udp","public":"203.0.113.1:5060",
        "inside":"192.168.100.100:5060","aor":"sip:+4930123456789@provider.example.com",
        "registrar":"198.51.100.107","expires_s":3599,"treatment":"untouched"}])");
    const Json flows = Json::parse(R"([{"proto":"tcp","phone":"192.168.100.100:40000",
        "peer":"198.51.100.107:5061","opened_by":"inside","kind":"tls","sni":"sip.provider.example.com",
        "treatment":"untouched","configured":false,"idle_s":61,"packets":1}])");
    for (const std::size_t room : {80U, 72U, 64U, 60U}) {
        CAPTURE(room);
        CHECK(widest(calls_list(calls, terminal(room))) <= room);
        CHECK(widest(pinholes_list(pinholes, terminal(room))) <= room);
        CHECK(widest(bindings_list(bindings, terminal(room))) <= room);
        CHECK(widest(flows_list(flows, terminal(room))) <= room);
        CHECK(calls_list(calls, terminal(room)).find("peer silent") != std::string::npos);
        CHECK(pinholes_list(pinholes, terminal(room)).find("audio rtcp") != std::string::npos);
        CHECK(flows_list(flows, terminal(room)).find("unmodified") != std::string::npos);
    }
}

TEST_CASE("O9 ended calls show why they ended and which side has sent media") {
    const Json ended = Json::parse(R"([
        {"call_id":"a@x","state":"ended","direction":"out","from":"sip:a@x","to":"sip:b@y",
         "phone":"192.168.1.10","peer":"198.51.100.7","answered":"2026-01-02T03:04:05Z",
         "ended":"2026-01-02T03:07:10Z","duration_s":185,"reason":"bye","why":"BYE","media_from":"phone"},
        {"call_id":"b@x","state":"ended","direction":"in","from":"sip:b@y","to":"sip:a@x",
         "phone":"192.168.1.10","peer":"198.51.100.7","answered":null,
         "ended":"2026-01-02T03:07:10Z","duration_s":0,"reason":"not_answered","why":"not answered","media_from":null}])");
    CHECK(calls_list(ended, terminal(80)) ==
          "AGO  LASTED  DIR  PHONE         WITH  WHY           MEDIA        CALL-ID\n"
          "7s   3m5s    out  192.168.1.10  b@y   BYE           peer silent  a@x\n"
          "7s   0s      in   192.168.1.10  b@y   not answered  -            b@x\n");
    CHECK(calls_list(ended, {}).find("2026-01-02T03:07:10Z") != std::string::npos);
}

TEST_CASE("O1 rows of one phone, or of the calls whose Call-ID begins with a text") {
    CHECK(chosen_rows(calls, "", "").size() == 2);
    CHECK(chosen_rows(calls, "192.168.1.11", "").size() == 1);
    CHECK(chosen_rows(calls, "192.168.1.1", "").empty());
    CHECK(chosen_rows(calls, "", "a84b").at(0)["phone"] == "192.168.1.10");
    const Json pinholes =
        Json::parse(R"([{"inside":"[2001:db8::5]:4000","call_id":"a"},{"inside":"192.168.1.10:4000"}, 3])");
    CHECK(chosen_rows(pinholes, "2001:db8::5", "").size() == 1);
    CHECK(chosen_rows(pinholes, "192.168.1.10", "").size() == 1);
    CHECK(chosen_rows(Json::object(), "192.168.1.10", "").is_object());
}
