#include "alg/policy/reason.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "alg/core/door.hpp"
#include "tests/unit/packets.hpp"

namespace sipalg {

namespace {

Reason reason_for(const std::string& payload) {
    State state{Policy{}};
    const Address wan = Address::v4(0xCB007101);
    const auto bytes = test::udp_packet("192.168.1.10:5060", "203.0.113.10:5060", payload);
    Decision decision;
    inspect(state, Arrival{Side::inside, bytes, {wan, wan}}, Time{0}, decision);
    CHECK((decision.changes.empty() || decision.reason <= Reason::unchanged));
    return decision.reason;
}

const std::string options =
    "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
    "Call-ID: t\r\nCSeq: 1 OPTIONS\r\n";

}  // namespace

TEST_CASE("O4 every reason has its own word, usable as a counter name, and a sentence") {
    std::set<std::string> words;
    for (std::size_t i = 0; i < reason_count; ++i) {
        const auto reason = static_cast<Reason>(i);
        const std::string one(word(reason));
        CHECK(words.insert(one).second);
        CHECK(one.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
        CHECK(sentence(reason).size() > one.size() / 2);
    }
}

TEST_CASE("S8 S9 X6 each kind of datagram has its reason, and only SIP changes the kernel") {
    CHECK(reason_for("") == Reason::keep_alive);
    CHECK(reason_for("\r\n\r\n") == Reason::keep_alive);
    CHECK(reason_for(std::string("\0\0\0\0", 4)) == Reason::keep_alive);
    CHECK(reason_for(std::string("\x00\x01\x00\x00\x21\x12\xa4\x42", 8) + std::string(12, 'x')) ==
          Reason::stun);
    CHECK(reason_for(std::string("\x16\x03\x01\x00\x05hello", 10)) == Reason::tls);
    CHECK(reason_for(std::string("\x80\x00\x00\x01", 4) + std::string(20, 'x')) == Reason::media);
    CHECK(reason_for("GET / HTTP/1.1\r\n\r\n") == Reason::http);
    CHECK(reason_for("something else entirely") == Reason::not_sip);
    CHECK(reason_for(options + "\r\n") == Reason::rewritten);
    CHECK(reason_for(options) == Reason::malformed);
    CHECK(reason_for(options + std::string("X: a\0b\r\n\r\n", 10)) == Reason::malformed);
    CHECK(reason_for(options + "Content-Length: 4\r\n\r\nabc") == Reason::truncated);
    std::string many = options;
    for (int i = 0; i < 10000; ++i)
        many += "v: SIP/2.0/UDP 192.168.1.10\r\n";
    CHECK(reason_for(many.substr(0, 60000) + "\r\n\r\n") != Reason::rewritten);
    CHECK(reason_for(options + "X: " + std::string(60000, 'y') + "\r\n\r\n") == Reason::rewritten);
}

TEST_CASE("S9 malformed packets, other transports, an interface without address") {
    State state{Policy{}};
    Decision decision;
    const Address wan = Address::v4(0xCB007101);
    const std::vector<std::uint8_t> nothing;
    inspect(state, Arrival{Side::inside, nothing, {wan, wan}}, Time{0}, decision);
    CHECK(decision.reason == Reason::unreadable_packet);
    auto tcp = test::udp_packet("192.168.1.10:5060", "203.0.113.10:5060", std::string(40, '\x50'));
    tcp[9] = 6;
    inspect(state, Arrival{Side::inside, tcp, {wan, wan}}, Time{0}, decision);
    CHECK(decision.reason == Reason::unread_stream);
    const auto sip = test::udp_packet("192.168.1.10:5060", "203.0.113.10:5060", options + "\r\n");
    inspect(state, Arrival{Side::inside, sip, {}}, Time{0}, decision);
    CHECK(decision.reason == Reason::no_address);
    CHECK(decision.changes.empty());
    CHECK_FALSE(decision.rewritten);
}

}  // namespace sipalg
