#include "alg/daemon/config/log.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/daemon/captured_log.hpp"

using namespace sipalg;
using namespace sipalg::daemon;
using namespace std::chrono_literals;

namespace {

const std::chrono::system_clock::time_point noon{std::chrono::milliseconds{1'796'040'000'042}};

LogLine line() {
    return {LogLevel::warning,
            "call ended: a@b: silence",
            {"call_ended", "0123456789abcdef0123456789abcdef", "a@b", "192.168.1.10", "", "silence"}};
}

}  // namespace

TEST_CASE("log levels and formats have one name each") {
    for (const LogLevel level : {LogLevel::error, LogLevel::warning, LogLevel::info, LogLevel::debug})
        CHECK(parse_log_level(name(level)) == level);
    CHECK_FALSE(parse_log_level("trace"));
    CHECK_FALSE(parse_log_level("Info"));
    CHECK_FALSE(parse_log_level(""));
    for (const LogFormat format : {LogFormat::text, LogFormat::json})
        CHECK(parse_log_format(name(format)) == format);
    CHECK_FALSE(parse_log_format("JSON"));
}

TEST_CASE("O4 a line of text has its local time, milliseconds, zone and level") {
    setenv("TZ", "UTC", 1);
    tzset();
    CHECK(with_time(line(), noon) == "2026-11-30T12:00:00.042+0000 warning: call ended: a@b: silence");
    unsetenv("TZ");
    tzset();
}

TEST_CASE("O4 a line of JSON has the fields that are known, and is ASCII") {
    CHECK(as_json(line(), noon) ==
          R"({"time":"2026-11-30T12:00:00.042Z","level":"warning","message":"call ended: a@b: silence",)"
          R"("event":"call_ended","call_id":"a@b","phone":"192.168.1.10","reason":"silence"})");
    LogLine wild{LogLevel::info, "J\xc3\xbcrgen \xff \"", {}};
    CHECK(as_json(wild, noon).find(R"("message":"J\u00fcrgen \ufffd \"")") != std::string::npos);
}

TEST_CASE("O4 journald gets fields, those with line ends with their length") {
    CHECK(as_journal_datagram(line(), line().text) ==
          "MESSAGE=call ended: a@b: silence\nPRIORITY=4\nSYSLOG_IDENTIFIER=sipalgd\n"
          "MESSAGE_ID=0123456789abcdef0123456789abcdef\nSIPALG_EVENT=call_ended\nSIPALG_CALL_ID=a@b\n"
          "SIPALG_PHONE=192.168.1.10\nSIPALG_REASON=silence\n");
    LogLine two = line();
    two.fields.call_id = "a\nPRIORITY=0";
    CHECK(as_journal_datagram(two, "text")
              .find(std::string("SIPALG_CALL_ID\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n", 36)) !=
          std::string::npos);
}

TEST_CASE("O4 the log goes to journald where stderr is the journal, from the chosen level on") {
    const test::CapturedLog journal;
    log::debug("not {}", "written");
    log::warning("port {} is taken", 5060);
    const auto datagram = journal.next();
    REQUIRE(datagram);
    CHECK(*datagram == "MESSAGE=port 5060 is taken\nPRIORITY=4\nSYSLOG_IDENTIFIER=sipalgd\n");
    CHECK_FALSE(journal.next());
    set_log_format(LogFormat::json);
    log::write(line());
    const auto second = journal.next();
    REQUIRE(second);
    CHECK(second->starts_with("MESSAGE={\"time\":"));
    CHECK(second->find("\nSIPALG_CALL_ID=a@b\n") != std::string::npos);
}
