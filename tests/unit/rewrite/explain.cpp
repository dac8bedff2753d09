// Decision::explained: the result for each place, and its rule.
#include <doctest/doctest.h>

#include <string>

#include "alg/core/door.hpp"
#include "tests/unit/packets.hpp"

namespace sipalg {

namespace {

const Address wan = Address::v4(0xCB007101);  // 203.0.113.1

/// Plays one message from the phone; a line for each place, "rule name: before -> after" or "(why not)".
struct Explanation {
    explicit Explanation(const std::string& message, bool on = true) {
        State state{Policy{}};
        state.set_own_addresses({wan});
        state.explain(on);
        const auto bytes = test::udp_packet("192.168.1.10:5060", "203.0.113.10:5060", message);
        inspect(state, Arrival{Side::inside, bytes, {wan, wan}}, Time{1000}, decision);
        for (const Explained& e : decision.explained) {
            text += std::string(rewrite::rule(e.place)) + " " + std::string(rewrite::name(e.place)) + ": " +
                    message.substr(e.offset, e.length);
            text += e.kept == rewrite::Kept::changed ? " -> " + e.text
                                                     : " (" + std::string(rewrite::word(e.kept)) + ")";
            text += "\n";
        }
    }
    Decision decision;
    std::string text;
};

std::string invite(const std::string& type, const std::string& body) {
    return "INVITE sip:b@provider.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK1\r\n"
           "From: <sip:a@provider.example>;tag=1\r\nTo: <sip:b@provider.example>\r\nCall-ID: c\r\n"
           "CSeq: 1 INVITE\r\nContact: <sip:a@192.168.1.10:5060>\r\n" +
           type + "Content-Type: application/sdp\r\n\r\n" + body;
}

const std::string body =
    "v=0\r\no=- 1 1 IN IP4 192.168.1.10\r\ns=-\r\nc=IN IP4 192.168.1.10\r\nt=0 0\r\n"
    "m=audio 16000 RTP/AVP 0\r\na=candidate:1 1 UDP 1 192.168.1.10 16000 typ host\r\n"
    "a=candidate:2 1 UDP 1 198.51.100.7 16000 typ srflx\r\na=candidate:3 1 UDP 1 192.168.1.77 1 typ host\r\n"
    "m=audio 0 RTP/AVP 0\r\n";

}  // namespace

TEST_CASE("S1 O2 every place is explained in its order, changed or not") {
    const Explanation explanation(invite("", body));
    CHECK(explanation.text ==
          "S4 Request-URI: sip:b@provider.example (not_this_way)\n"
          "S3 Via sent-by: 192.168.1.10 -> 203.0.113.1\n"
          "S3 identity: sip:a@provider.example (host_name)\n"
          "S3 identity: sip:b@provider.example (host_name)\n"
          "S5 protected header: c (never)\n"
          "S3 Contact: 192.168.1.10 -> 203.0.113.1\n"
          "D1 o=: 192.168.1.10 -> 203.0.113.1\n"
          "D1 c=: 192.168.1.10 -> 203.0.113.1\n"
          "D1 m= port: 16000 (same)\n"
          "D1 a=candidate: 192.168.1.10 -> 203.0.113.1\n"
          "D1 a=candidate: 16000 (same)\n"
          "D1 a=candidate: 198.51.100.7 (not_host)\n"
          "D1 a=candidate: 192.168.1.77 (foreign)\n"
          "D1 m= port: 0 (no_port)\n");
    CHECK(Explanation(invite("", body), false).text.empty());
}

TEST_CASE("S1 S3 S5 O2 each place of the head that stays has a reason") {
    const Explanation explanation(
        "REGISTER sip:192.168.1.10 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK1, SIP/2.0/UDP 192.168.1.10:5070\r\n"
        "Via: SIP/2.0/UDP 192.168.1.77\r\nRoute: <sip:192.168.1.10;lr>, <sip:provider.example;lr>\r\n"
        "From: <sip:a@198.51.100.7>;tag=1\r\nTo: <tel:+49301>\r\nCall-ID: c@192.168.1.10\r\nCSeq: 1 "
        "REGISTER\r\n"
        "Contact: *\r\nContact: <sip:a@192.168.1.10:22>, <sip:a@[broken>\r\nPath: \"\r\n"
        "Authorization: Digest uri=\"sip:192.168.1.10\"\r\n\r\n");
    CHECK(explanation.text ==
          "S4 Request-URI: sip:192.168.1.10 (not_this_way)\n"
          "S3 Via sent-by: 192.168.1.10 -> 203.0.113.1\n"
          "S3 Via sent-by: 192.168.1.10 (lower_via)\n"
          "S3 Via sent-by: 192.168.1.77 (lower_via)\n"
          "S4 Route: sip:192.168.1.10;lr (not_this_way)\n"
          "S4 Route: sip:provider.example;lr (not_this_way)\n"
          "S3 identity: 198.51.100.7 (foreign)\n"
          "S3 identity: tel:+49301 (other_scheme)\n"
          "S5 protected header: c@192.168.1.10 (never)\n"
          "S3 Contact: * (star)\n"
          "S3 Contact: 192.168.1.10 (no_mapping)\n"
          "S3 Contact: sip:a@[broken (unreadable)\n"
          "S3 Path: \" (unreadable)\n"
          "S5 protected header: Digest uri=\"sip:192.168.1.10\" (never)\n");
}

TEST_CASE("S3 O2 a maddr that is the phone's is explained as a change, and another one as kept") {
    const auto explained = [](const std::string& contact) {
        const Explanation explanation(
            "OPTIONS sip:b@provider.example SIP/2.0\r\nVia: SIP/2.0/UDP "
            "phone.example:5060;maddr=192.168.1.10\r\n"
            "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContact: <" +
            contact + ">\r\n\r\n");
        CHECK(explanation.text.find("S3 Via sent-by: 192.168.1.10 -> 203.0.113.1\n") != std::string::npos);
        const std::size_t begin = explanation.text.find("S3 Contact");
        return explanation.text.substr(begin);
    };
    CHECK(explained("sip:a@phone.example;maddr=192.168.1.10") == "S3 Contact: 192.168.1.10 -> 203.0.113.1\n");
    CHECK(explained("sip:a@192.168.1.10;maddr=192.168.1.10?x=y") ==
          "S3 Contact: 192.168.1.10 -> 203.0.113.1\nS3 Contact: 192.168.1.10 -> 203.0.113.1\n");
    CHECK(explained("sip:a@192.168.1.10;maddr=198.51.100.7") ==
          "S3 Contact: 192.168.1.10 -> 203.0.113.1\nS3 Contact: 198.51.100.7 (foreign)\n");
    CHECK(explained("sip:a@192.168.1.10;maddr=x.example") ==
          "S3 Contact: 192.168.1.10 -> 203.0.113.1\nS3 Contact: x.example (host_name)\n");
}

TEST_CASE("S5 a sealed body is explained, and causes one warning") {
    const Explanation explanation(invite("Content-Encoding: gzip-like\r\n", ""));
    CHECK(explanation.text.find("sealed") == std::string::npos);
    const Explanation sealed(invite("Authorization: Digest username=\"a\", qop=auth-int\r\n", body));
    CHECK(sealed.text.find("D1 c=: 192.168.1.10 (sealed)\n") != std::string::npos);
    CHECK(sealed.text.find("D1 c=: 192.168.1.10 ->") == std::string::npos);
    CHECK(sealed.decision.rewritten);  // the head is
    std::size_t warnings = 0;
    for (const Event& event : sealed.decision.events)
        warnings += event.kind == Event::Kind::body_sealed && event.subject == "c" ? 1 : 0;
    CHECK(warnings == 1);
}

}  // namespace sipalg
