#include "alg/daemon/run/reload.hpp"

#include <doctest/doctest.h>

#include <new>
#include <stdexcept>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

using Names = std::vector<std::string>;

Options parse(const std::vector<std::string>& arguments) {
    return make_options(parse_command_line(arguments).settings, {});
}

}  // namespace

TEST_CASE("SIGHUP applies the options that can change at run time, and names the others") {
    Options running = parse({"--sip-port", "5062"});
    const auto outcome = reload(
        running,
        [] {
            return parse({"--mode", "observe", "--log-level", "debug", "--queue", "7"});
        },
        [&](const Options& options) { running = options; });
    REQUIRE(outcome);
    CHECK(outcome->changed == Names{"mode", "log-level"});
    CHECK(outcome->for_restart == Names{"sip-port", "queue"});
    CHECK(running.treatments.mode == Mode::observe);
    CHECK(running.log_level == LogLevel::debug);
    CHECK(running.sip_ports == std::vector<std::uint16_t>{5062});
    CHECK(running.queue == 5060);
}

TEST_CASE("SIGHUP with an unreadable configuration leaves the old one in force, for any error") {
    const Options running = parse({"--mode", "pinhole"});
    bool applied = false;
    const auto apply = [&](const Options&) { applied = true; };
    const auto fails_with = [&](auto error) {
        const auto outcome = reload(
            running, [&]() -> Options { throw error; }, apply);
        return outcome ? std::string() : outcome.error();
    };
    CHECK(fails_with(UsageError("f.conf:1: mode: wrong")) == "f.conf:1: mode: wrong");
    CHECK(fails_with(std::runtime_error("input/output error")) == "input/output error");
    CHECK(fails_with(std::bad_alloc()) == std::bad_alloc().what());
    CHECK_FALSE(applied);
    CHECK(running.treatments.mode == Mode::pinhole);
}

TEST_CASE("SIGHUP with a configuration that cannot be applied restores the old one") {
    Options running = parse({"--mode", "pinhole"});
    std::vector<Mode> applied;
    const auto outcome = reload(
        running,
        [] {
            return parse({"--mode", "off"});
        },
        [&](const Options& options) {
            applied.push_back(options.treatments.mode);
            running = options;
            if (options.treatments.mode == Mode::off) throw std::runtime_error("the kernel refused");
        });
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error() == "the kernel refused");
    CHECK(applied == std::vector{Mode::off, Mode::pinhole});
    CHECK(running.treatments.mode == Mode::pinhole);
}

TEST_CASE("SIGHUP: sections are compared, and an unchanged file changes nothing") {
    Options running = parse({});
    Options with_section = running;
    with_section.treatments.phones.push_back({*Prefix::parse("192.168.1.2"), {}});
    const auto accept = [&](const Options& options) { running = options; };
    const auto outcome = reload(
        running, [&] { return with_section; }, accept);
    REQUIRE(outcome);
    CHECK(outcome->changed == Names{"sections"});
    const auto again = reload(
        running, [&] { return with_section; }, accept);
    REQUIRE(again);
    CHECK(again->changed.empty());
    CHECK(again->for_restart.empty());
}
