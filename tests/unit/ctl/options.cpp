#include "alg/ctl/options.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "alg/ctl/commands.hpp"

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

TEST_CASE("SPEC 1 commands and options are parsed") {
    for (const Command& command : commands())
        if (command.argument == Command::Argument::none)
            CHECK(parse_options({std::string(command.name)}).command == command.name);
    const Options options = parse_options({"--control", "/x", "--json", "calls"});
    CHECK(options.control == "/x");
    CHECK(options.json);
    CHECK(parse_options({"calls", "--json"}).json);
    CHECK(parse_options({"calls"}).control == "/run/sipalg/control.sock");
    CHECK(parse_options({"--help"}).help);
    CHECK(parse_options({"-h"}).help);
    CHECK(parse_options({"--version"}).version);
    CHECK(parse_options({"call", "abc@host"}).argument == "abc@host");
}

TEST_CASE("SPEC 1 help takes a command, and each command takes --help") {
    CHECK(parse_options({"help"}).command == "help");
    CHECK(parse_options({"help", "calls"}).argument == "calls");
    const Options options = parse_options({"call", "--help"});  // no ID needed
    CHECK(options.help);
    CHECK(options.argument == "call");
    CHECK(parse_options({"limits", "-h"}).argument == "limits");
    CHECK(error_of({"help", "cals"}).find("did you mean 'calls'?") != std::string::npos);
}

TEST_CASE("SPEC 1 errors of usage name the mistake and the accepted words") {
    CHECK(error_of({}) == "no command; expected " + command_list());
    CHECK(error_of({"cals"}) == "unknown command 'cals'; did you mean 'calls'? (sipalgctl help lists all)");
    CHECK(error_of({"juggle"}) == "unknown command 'juggle'; expected " + command_list());
    CHECK(error_of({"\x1b[2J"}).find("'\\x1b[2J'") != std::string::npos);
    CHECK(error_of({"calls", "status"}) == "'status': unexpected; see sipalgctl help calls");
    CHECK(error_of({"call", "a", "b"}) == "'b': unexpected; see sipalgctl help call");
    CHECK(error_of({"call"}) == "call: ID is missing; see sipalgctl help call");
    CHECK(error_of({"close"}) == "close: expected an ID or --all; see sipalgctl help close");
    CHECK(error_of({"close", "a", "--all"}) == "close: expected an ID or --all; see sipalgctl help close");
    CHECK(error_of({"calls", "--all"}) == "--all belongs to the command close");
    CHECK(error_of({"call", "x", "--phone", "192.168.1.10"}) ==
          "--phone belongs to the commands watch, record, calls, pinholes, bindings, flows and doctor");
    CHECK(error_of({"calls", "--phone", "192.168"}) == "--phone '192.168': expected the address of a phone");
    CHECK(parse_options({"close", "--all"}).all);
    CHECK(parse_options({"close", "a"}).argument == "a");
    CHECK(error_of({"--xyzzy"}).find("--xyzzy") != std::string::npos);
    CHECK(error_of({"--control"}).find("--control") != std::string::npos);
    CHECK(error_of({"--json", "metrics"}).find("leave out --json") != std::string::npos);
    CHECK(error_of({"--js", "calls"}).find("--js") != std::string::npos);
}

TEST_CASE("SPEC 1 help names every command and option, and fits 80 columns") {
    for (const Command& command : commands())
        CHECK(help_text().find("\n  " + std::string(command.name) + " ") != std::string::npos);
    for (const char* option : {"--control", "--json", "--help", "--version"})
        CHECK(help_text().find(option) != std::string::npos);
    const auto fits = [](const std::string& text) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);)
            if (line.size() > 80) return false;
        return true;
    };
    CHECK(fits(help_text()));
    for (const Command& command : commands()) {
        CHECK(fits(help_text(command)));
        CHECK(help_text(command).find(command.name) != std::string::npos);
    }
}

TEST_CASE("O1 O9 lists take --wide, --phone and --call, and calls --ended") {
    const Options options =
        parse_options({"calls", "--ended", "--wide", "--phone", "2001:DB8::0:1", "--call", "a8"});
    CHECK(options.ended);
    CHECK(options.wide);
    CHECK(options.phone == "2001:db8::1");
    CHECK(options.call == "a8");
}
