// The manual says what the program says.
#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "alg/daemon/config/options.hpp"
#include "alg/daemon/config/sections.hpp"
#include "alg/policy/end_reason.hpp"
#include "alg/policy/limits.hpp"
#include "alg/policy/reason.hpp"

using namespace sipalg;

namespace {

std::string manual(const std::string& name) {
    std::ifstream file(std::string(TESTS_DIR) + "/../man/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    REQUIRE_FALSE(text.str().empty());
    return text.str();
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Names of all options, taken from --help.
std::set<std::string> options_in_help() {
    std::set<std::string> names;
    std::istringstream lines(daemon::help_text());
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("  --")) names.insert(line.substr(4, line.find(' ', 4) - 4));
    return names;
}

}  // namespace

TEST_CASE("every reason has its row in sipalgd(8)") {
    const std::string page = manual("sipalgd.8");
    for (std::size_t i = 0; i < reason_count; ++i) {
        const std::string name(word(static_cast<Reason>(i)));
        CAPTURE(name);
        CHECK(contains(page, "\n.It Cm " + name + "\n"));
    }
}

TEST_CASE("every reason for which a call ends has its row in sipalgd(8)") {
    const std::string page = manual("sipalgd.8");
    for (std::size_t i = 0; i < end_reason_count; ++i) {
        const std::string name(word(static_cast<EndReason>(i)));
        CAPTURE(name);
        CHECK(contains(page, "\n.It Cm " + name + "\n"));
    }
}

TEST_CASE("--help, sipalgd(8) and sipalgd.conf(5) have the same options") {
    const std::set<std::string> names = options_in_help();
    std::set<std::string> expected{"config",      "foreground",   "outside",
                                   "inside",      "sip-port",     "tls-port",
                                   "find-sip",    "media-ports",  "external-address",
                                   "accept-in",   "malformed",    "media-source",
                                   "mode",        "nat",          "queue",
                                   "table",       "control",      "control-group",
                                   "admin-group", "log-level",    "log-format",
                                   "history",     "mask-numbers", "check",
                                   "help",        "version",      "emergency-number",
                                   "state",       "public-ports", "workers"};
    for (const LimitRow& limit : limit_rows)
        expected.insert(limit.option);
    CHECK(names == expected);
    const std::set<std::string> command_line_only{"config", "check", "help", "version"};
    const std::string page = manual("sipalgd.8");
    const std::string file_page = manual("sipalgd.conf.5");
    for (const std::string& name : names) {
        CAPTURE(name);
        CHECK((contains(page, "\n.It Fl -" + name + " Ar ") || contains(page, "\n.It Fl -" + name + " Qq ") ||
               contains(page, "\n.It Fl -" + name + "\n")));
        CHECK(contains(file_page, "\n.It Cm " + name + " No = ") != command_line_only.contains(name));
    }
}

TEST_CASE("sipalgd.conf(5) lists the settings of sections") {
    const std::string page = manual("sipalgd.conf.5");
    const std::string sections = page.substr(page.find("\n.Ss Sections\n"));
    for (const std::string_view name : daemon::section_settings()) {
        CAPTURE(name);
        CHECK(contains(sections, "\n.It Cm " + std::string(name) + "\n"));
    }
}

TEST_CASE("the mark in the manual is the mark in the rules") {
    std::ostringstream mark;
    mark << "ct mark & 0x" << std::hex << nft::pinhole_mark << " == 0x" << nft::pinhole_mark << " accept";
    CHECK(contains(manual("sipalgd.8"), mark.str()));
}
