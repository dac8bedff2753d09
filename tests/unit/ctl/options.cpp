#include "alg/ctl/options.hpp"

#include <doctest/doctest.h>

using namespace sipalg::ctl;

namespace {

std::string error_of(const std::vector<std::string>& arguments) {
    try {
        parse_options(arguments);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("commands and options") {
    for (const char* command : {"status", "calls", "pinholes", "bindings", "counters", "metrics"})
        CHECK(parse_options({command}).command == command);
    const Options options = parse_options({"--control", "/x", "--json", "calls"});
    CHECK(options.control == "/x");
    CHECK(options.json);
    CHECK(parse_options({"calls", "--json"}).json);
    CHECK(parse_options({"calls"}).control == "/run/sipalg/control.sock");
    CHECK(parse_options({"--help"}).help);
    CHECK(parse_options({"--version"}).version);
}

TEST_CASE("mistakes are named") {
    CHECK(error_of({}) == "no command; write status, calls, pinholes, bindings, flows, counters or metrics");
    CHECK(error_of({"cals"}) ==
          "unknown command 'cals'; write status, calls, pinholes, bindings, flows, counters or metrics");
    CHECK(error_of({"\x1b[2J"}).find("'\\x1b[2J'") != std::string::npos);
    CHECK(error_of({"calls", "status"}).find("'status': one command at a time") == 0);
    CHECK(error_of({"--xyzzy"}).find("--xyzzy") != std::string::npos);
    CHECK(error_of({"--control"}).find("--control") != std::string::npos);
    CHECK(error_of({"--json", "metrics"}).find("leave out --json") != std::string::npos);
    CHECK(error_of({"--js", "calls"}).find("--js") != std::string::npos);
}

TEST_CASE("help names every command") {
    for (const char* word :
         {"status", "calls", "pinholes", "bindings", "counters", "metrics", "--json", "--control"})
        CHECK(help_text().find(word) != std::string::npos);
}
