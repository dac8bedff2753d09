#include "alg/rewrite/edits.hpp"

#include <doctest/doctest.h>

#include <random>

namespace sipalg::rewrite {

namespace {

struct Plan {
    explicit Plan(std::string text) : bytes(std::move(text)) { edits.start(bytes); }
    void replace(std::size_t at, std::size_t length, std::string_view text) {
        edits.replace(std::string_view(bytes).substr(at, length), text, Place::contact);
    }
    std::string result() {
        std::string out = "what was there before";
        edits.apply(out);
        return out;
    }
    std::string bytes;
    Edits edits;
};

}  // namespace

TEST_CASE("law 3 edits are planned in any order and applied once") {
    Plan plan("0123456789");
    CHECK(plan.edits.empty());
    plan.replace(8, 2, "");
    plan.replace(0, 1, "zero");
    plan.replace(4, 0, "+");
    CHECK(plan.edits.growth() == 2);
    CHECK(plan.edits.growth(1) == 4);
    CHECK(plan.result() == "zero123+4567");
}

TEST_CASE("S1 equal text needs no edit") {
    Plan plan("192.168.1.10");
    plan.replace(0, 12, "192.168.1.10");
    CHECK(plan.edits.empty());
    CHECK(plan.result() == plan.bytes);
}

TEST_CASE("start() removes the edits of the previous message") {
    Plan plan("abc");
    plan.replace(1, 1, "xyz");
    const std::string other = "def";
    plan.edits.start(other);
    CHECK(plan.edits.empty());
    CHECK(plan.edits.growth() == 0);
    plan.edits.replace(std::string_view(other).substr(0, 1), "D", Place::path);
    CHECK(plan.result() == "Def");
}

TEST_CASE("law 3 the result of any set of edits equals replacement from the end") {
    std::mt19937 random(5);
    for (int round = 0; round < 500; ++round) {
        Plan plan(std::string(40, 'a'));
        for (char& c : plan.bytes)
            c = static_cast<char>('a' + random() % 26);
        std::string expected = plan.bytes;
        std::vector<std::pair<std::size_t, std::size_t>> spans;
        for (std::size_t at = random() % 10; at < 36; at += 4 + random() % 10)
            spans.emplace_back(at, random() % 4);
        for (auto it = spans.rbegin(); it != spans.rend(); ++it)
            expected.replace(it->first, it->second, std::to_string(it->first));
        std::shuffle(spans.begin(), spans.end(), random);
        for (const auto& [at, length] : spans)
            plan.replace(at, length, std::to_string(at));
        CHECK(plan.edits.growth() ==
              static_cast<std::ptrdiff_t>(expected.size()) - static_cast<std::ptrdiff_t>(plan.bytes.size()));
        CHECK(plan.result() == expected);
    }
}

TEST_CASE("an address that is written several times has the same text, in this message and the next") {
    const Address wan = *Address::parse("203.0.113.1"), other = *Address::parse("198.51.100.7");
    Plan plan("<a> <b> <c> <d>");
    for (int message = 0; message < 2; ++message) {
        plan.edits.start(plan.bytes);
        const auto at = [&](std::size_t place) { return std::string_view(plan.bytes).substr(place, 3); };
        plan.edits.replace(at(0), wan, Place::contact);
        plan.replace(4, 3, "text");
        plan.edits.replace(at(8), wan, Place::sdp_origin);
        plan.edits.replace(at(12), other, Place::sdp_origin);
        CHECK(plan.result() == "203.0.113.1 text 203.0.113.1 198.51.100.7");
    }
    Plan same("203.0.113.1");
    same.edits.replace(same.bytes, wan, Place::contact);
    CHECK(same.edits.empty());
}

TEST_CASE("every place names its rule") {
    for (int place = 0; place <= static_cast<int>(Place::content_length); ++place)
        CHECK_FALSE(rule(static_cast<Place>(place)).empty());
    CHECK(rule(Place::via_rport) == "S4");
    CHECK(rule(Place::sdp_port) == "D1");
}

TEST_CASE("D1: an address, a port or a length is planned as its text") {
    Plan plan("c=IN IP4 10.0.0.1 5060 ::");
    const std::string_view bytes = plan.bytes;
    plan.edits.replace_number(bytes.substr(18, 4), 18446744073709551615U, Place::content_length);
    plan.edits.replace(bytes.substr(9, 8), Address::v4(0xC0A80001), Place::sdp_connection);
    plan.edits.replace(bytes.substr(23), *Address::parse("2001:db8::1"), Place::sdp_connection);
    CHECK(plan.result() == "c=IN IP4 192.168.0.1 18446744073709551615 2001:db8::1");
    plan.edits.start(bytes);
    plan.edits.replace(bytes.substr(9, 8), Address::v4(0x0A000001), Place::sdp_connection);
    plan.edits.replace_number(bytes.substr(18, 4), 5060, Place::sdp_port);
    CHECK(plan.edits.empty());
}

}  // namespace sipalg::rewrite
