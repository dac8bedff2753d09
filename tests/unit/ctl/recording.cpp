#include "alg/ctl/recording.hpp"

#include <doctest/doctest.h>

#include "alg/capture/packets.hpp"
#include "alg/ctl/follow.hpp"
#include "alg/ctl/hep.hpp"
#include "alg/explain/explanation.hpp"
#include "alg/facts/json.hpp"

using namespace sipalg;
using namespace sipalg::ctl;

namespace {

const std::string invite(const std::string& host) {
    const std::string body = "v=0\r\no=- 1 1 IN IP4 " + host + "\r\ns=-\r\nc=IN IP4 " + host +
                             "\r\nt=0 0\r\nm=audio 16000 RTP/AVP 0\r\n";
    return "INVITE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP " + host +
           ":5060;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=f\r\nTo: <sip:b@example.com>\r\nCall-ID: "
           "one@test\r\nCSeq: 1 INVITE\r\nContact: <sip:a@" +
           host + ">\r\nContent-Type: application/sdp\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

Json message(const std::string& transport) {
    return {{"time", 1700000000.5},
            {"type", "message"},
            {"from", "inside"},
            {"transport", transport},
            {"phone", "192.168.1.10:5060"},
            {"peer", "198.51.100.7:5060"},
            {"public", "203.0.113.1:5060"},
            {"reason", "rewritten"},
            {"call_id", "one@test"},
            {"changes", Json::array({{{"place", "c="}, {"rule", "D1"}, {"old", "a"}, {"new", "b"}}})},
            {"before", facts::base64(invite("192.168.1.10"))},
            {"after", facts::base64(invite("203.0.113.1"))}};
}

Bytes bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string record(const std::vector<Json>& facts) {
    Recording recording;
    std::string file = recording.begin();
    for (const Json& fact : facts)
        file += recording.add(fact);
    return file + recording.flush();
}

}  // namespace

TEST_CASE("O8 a message is recorded before and after, on two interfaces, with remarks as comments") {
    const Json pinhole{{"type", "pinhole"}, {"what", "opened"}, {"public", "203.0.113.1:16000"}};
    const std::string file = record({message("udp"), pinhole});
    const capture::Packets read = capture::read_packets(bytes_of(file));
    CHECK(read.unread_count == 0);
    CHECK(read.has_sides);
    REQUIRE(read.packets.size() == 2);
    CHECK(read.packets[0].packet.payload == invite("192.168.1.10"));
    CHECK(read.packets[0].interface_name == "inside");
    CHECK(read.packets[0].time_us == 1'700'000'000'500'000);
    CHECK(read.packets[1].packet.payload == invite("203.0.113.1"));
    CHECK(read.packets[1].packet.source.text() == "203.0.113.1:5060");
    for (const auto& packet : read.packets)
        CHECK(has_right_checksum(packet.bytes, packet.packet));
    CHECK(file.find("sipalg: rewritten\nc=: a => b (D1)\nsipalg: pinhole opened") != std::string::npos);
}

TEST_CASE("O8 explain reads a recording, over UDP and over TCP") {
    for (const char* transport : {"udp", "tcp"}) {
        CAPTURE(transport);
        const std::string file = record({message(transport)});
        const explain::Explanation found = explain::explain(bytes_of(file), {});
        CHECK(found.inside == std::vector<std::string>{"192.168.1.10"});
        CHECK(found.outside == "203.0.113.1");
        CHECK(found.messages == 1);
        REQUIRE(found.conversations.size() == 1);
        CHECK(found.conversations[0].call_id == "one@test");
    }
}

TEST_CASE("O8 facts of another shape are left out") {
    const std::string empty = record({});
    for (const Json& wrong : {Json(), Json(1), Json::array(), Json{{"type", "message"}}, Json{{"type", "x"}}})
        CHECK(record({wrong}) == empty);
    Json mixed = message("udp");
    mixed["peer"] = "[2001:db8::1]:5060";
    CHECK(record({mixed}) == empty);
}

TEST_CASE("O8 fields of another type, and times out of range, are left out of a record and of watch") {
    Json odd = message("udp");
    odd["time"] = 1e300;
    odd["observed"] = 7;
    const auto read = read_message(odd);
    REQUIRE(read);
    CHECK(read->time_us == 0);
    CHECK(read->after == invite("203.0.113.1"));
    CHECK(watch_line(odd).starts_with("-  192.168.1.10:5060 -> "));
    CHECK(watch_line({{"type", 3}}) == "-  ");
    CHECK(watch_line({{"type", "pinhole"}, {"remote", "\x1b[31m"}}).find('\x1b') == std::string::npos);
}

TEST_CASE("O8 HEPv3: chunks with ends, time, correlation and payload") {
    const std::string datagram =
        hep3({Transport::udp, *Endpoint::parse("192.0.2.1:5060"), *Endpoint::parse("198.51.100.7:5070"),
              1'700'000'000'500'000, 2, "id", "OPTIONS"});
    CHECK(datagram.substr(0, 4) == "HEP3");
    CHECK(static_cast<unsigned char>(datagram[5]) == datagram.size());
    const auto has = [&](std::string_view chunk) { return datagram.find(chunk) != std::string::npos; };
    using namespace std::string_view_literals;
    CHECK(has("\0\0\0\1\0\7\2"sv));            // IPv4
    CHECK(has("\0\0\0\2\0\7\x11"sv));          // UDP
    CHECK(has("\0\0\0\3\0\x0a\xc0\0\2\1"sv));  // source
    CHECK(has("\0\0\0\x0b\0\7\1"sv));          // SIP
    CHECK(has("\0\0\0\x11\0\x08id"sv));        // correlation
    CHECK(has("\0\0\0\x0f\0\x0dOPTIONS"sv));   // payload
}
