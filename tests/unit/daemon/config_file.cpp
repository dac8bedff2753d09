#include "alg/daemon/config/config_file.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sipalg::daemon;

namespace {

std::string error_of(std::string_view text) {
    try {
        parse_config(text, "f.conf");
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("settings are in order and have their line") {
    const auto settings =
        parse_config("# heading\n\n outside = eth0 \r\naccept-in=ip filter FORWARD\n", "f.conf");
    REQUIRE(settings.size() == 2);
    CHECK(settings[0].name == "outside");
    CHECK(settings[0].value == "eth0");
    CHECK(settings[0].where == "f.conf:3: outside");
    CHECK(settings[1].name == "accept-in");
    CHECK(settings[1].value == "ip filter FORWARD");
    CHECK(settings[1].where == "f.conf:4: accept-in");
}

TEST_CASE("a # at the beginning of a word starts a comment") {
    const auto settings = parse_config("queue = 7 # seven\ntable = a#b\n", "f.conf");
    REQUIRE(settings.size() == 2);
    CHECK(settings[0].value == "7");
    CHECK(settings[1].value == "a#b");
}

TEST_CASE("the last line needs no line end, and an empty value is a value") {
    const auto settings = parse_config("queue=7\ntable =", "f.conf");
    REQUIRE(settings.size() == 2);
    CHECK(settings[1].value.empty());
}

TEST_CASE("a line that is not a setting is reported with its number") {
    CHECK(error_of("\n\nhello\n") == "f.conf:3: 'hello': write 'name = value'");
    CHECK(error_of("= 3") == "f.conf:1: '= 3': write 'name = value'");
}

TEST_CASE("a message can't carry control characters from the file to the terminal") {
    CHECK(error_of("\x1b[2J") == "f.conf:1: '\\x1b[2J': write 'name = value'");
}

TEST_CASE("a file that can't be read is a usage error that names it") {
    CHECK_THROWS_WITH_AS(read_config("/nonexistent/x.conf"),
                         "--config: can't read '/nonexistent/x.conf': No such file or directory", UsageError);
    CHECK_THROWS_AS(read_config("/"), UsageError);
    CHECK(read_config("/dev/null").empty());
}

TEST_CASE("a section is about a peer or a phone, an address or a prefix") {
    const auto settings = parse_config(
        "queue = 7\n[peer  203.0.113.0/24] # theirs\nmedia-source = latch\n[phone 192.168.1.11]\nx = 1\n",
        "f.conf");
    REQUIRE(settings.size() == 3);
    CHECK(settings[0].section.empty());
    CHECK(settings[1].section == "peer 203.0.113.0/24");
    CHECK(settings[1].where == "f.conf:3: media-source");
    CHECK(settings[2].section == "phone 192.168.1.11");
    CHECK(parse_section("peer 203.0.113.0/24")->kind == SectionName::Kind::peer);
    CHECK(parse_section("phone 2001:db8::1")->prefix.length == 128);
    const std::string remedy =
        " is not a section (expected [peer ADDRESS] or [phone ADDRESS], with an address such as 203.0.113.10 "
        "or a "
        "prefix such as 203.0.113.0/24 without host bits; settings for all phones and peers belong above the "
        "first section)";
    for (const char* bad : {"[phone 1]", "[peer 203.0.113.1/24]", "[peer]", "[]", "[host 203.0.113.1]",
                            "[peer 0.0.0.0/0]", "[peer 203.0.113.1 203.0.113.2]"}) {
        CAPTURE(bad);
        CHECK(error_of(std::string("\n") + bad) == "f.conf:2: '" + std::string(bad) + "'" + remedy);
    }
    CHECK(error_of("[peer 203.0.113.1") == "f.conf:1: '[peer 203.0.113.1': a section ends with ']'");
}
