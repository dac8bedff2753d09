#include "alg/daemon/config/options.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

using namespace sipalg::daemon;

namespace {

Options parse(const std::vector<std::string>& arguments, std::string_view file = "") {
    return make_options(parse_command_line(arguments).settings, parse_config(file, "f.conf"));
}

std::string error_of(const std::vector<std::string>& arguments, std::string_view file = "") {
    try {
        parse(arguments, file);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("the defaults are those of the manual") {
    const Options o = parse({});
    CHECK_FALSE(o.foreground);
    CHECK_FALSE(o.check);
    CHECK(o.outside.empty());
    CHECK(o.inside.empty());
    CHECK(o.sip_ports == std::vector<std::uint16_t>{5060});
    CHECK(o.media_low == 16384);
    CHECK(o.media_high == 32767);
    CHECK(o.external_addresses.empty());
    CHECK(o.accept_in.empty());
    CHECK(o.accept_in_auto);
    CHECK(o.queue == 5060);
    CHECK(o.table == "sipalg");
    CHECK(o.control == "/run/sipalg/control.sock");
    CHECK(o.log_level == LogLevel::info);
}

TEST_CASE("every option is taken from the command line") {
    const Options o = parse({"--foreground",
                             "--outside",
                             "eth0",
                             "--outside=ppp0",
                             "--inside",
                             "br0",
                             "--sip-port",
                             "5070",
                             "--sip-port",
                             "5080",
                             "--media-ports",
                             "20000-20099",
                             "--external-address",
                             "203.0.113.7",
                             "--external-address",
                             "203.0.113.8",
                             "--accept-in",
                             "inet filter forward",
                             "--accept-in",
                             "auto",
                             "--queue",
                             "0",
                             "--table",
                             "voice",
                             "--control",
                             "/run/x.sock",
                             "--log-level",
                             "debug",
                             "--check"});
    CHECK(o.foreground);
    CHECK(o.check);
    REQUIRE(o.outside.size() == 2);
    CHECK(o.outside[0].value == "eth0");
    CHECK(o.outside[1].value == "ppp0");
    REQUIRE(o.inside.size() == 1);
    CHECK(o.inside[0].value == "br0");
    CHECK(o.sip_ports == std::vector<std::uint16_t>{5070, 5080});
    CHECK(o.media_low == 20000);
    CHECK(o.media_high == 20099);
    REQUIRE(o.external_addresses.size() == 2);
    CHECK(o.external_addresses[1].text() == "203.0.113.8");
    REQUIRE(o.accept_in.size() == 1);
    CHECK(o.accept_in[0] == sipalg::nft::AcceptIn{"inet", "filter", "forward"});
    CHECK(o.accept_in_auto);
    CHECK(o.queue == 0);
    CHECK(o.table == "voice");
    CHECK(o.control == "/run/x.sock");
    CHECK(o.log_level == LogLevel::debug);
}

TEST_CASE("the same names work in the file") {
    const Options o = parse({},
                            "foreground = yes\noutside = eth0\ninside = br0\nsip-port = 5070\n"
                            "media-ports = 20000-20099\nexternal-address = 203.0.113.7\n"
                            "public-ports = 4112-4127\npublic-ports = 8208-8223\n"
                            "accept-in = ip filter FORWARD\nqueue = 9\ntable = voice\n"
                            "control = /run/x.sock\nlog-level = error\n");
    CHECK(o.foreground);
    CHECK(o.outside.at(0).value == "eth0");
    CHECK(o.inside.at(0).value == "br0");
    CHECK(o.sip_ports == std::vector<std::uint16_t>{5070});
    CHECK(o.media_low == 20000);
    CHECK(o.public_ports == std::vector<sipalg::PortRange>{{4112, 4127}, {8208, 8223}});
    CHECK(o.external_addresses.at(0).text() == "203.0.113.7");
    CHECK(o.accept_in.at(0).chain == "FORWARD");
    CHECK(o.queue == 9);
    CHECK(o.table == "voice");
    CHECK(o.control == "/run/x.sock");
    CHECK(o.log_level == LogLevel::error);
}

TEST_CASE("the command line overrides the file, and replaces whole lists") {
    const Options o =
        parse({"--queue", "7", "--outside", "ppp0", "--sip-port", "5090"},
              "queue = 6\noutside = eth0\noutside = eth1\nsip-port = 5060\nsip-port = 5070\ntable = t\n");
    CHECK(o.queue == 7);
    REQUIRE(o.outside.size() == 1);
    CHECK(o.outside[0].value == "ppp0");
    CHECK(o.sip_ports == std::vector<std::uint16_t>{5090});
    CHECK(o.table == "t");
}

TEST_CASE("mistakes on the command line are named") {
    CHECK(error_of({"--outsid", "eth0"}) ==
          "--outsid: unknown option; did you mean 'outside'? (sipalgd --help lists all)");
    CHECK(error_of({"---"}) == "---: unknown option (sipalgd --help lists all)");
    CHECK(error_of({"--xyzzy-plugh"}) == "--xyzzy-plugh: unknown option (sipalgd --help lists all)");
    CHECK(error_of({"eth0"}) == "'eth0': options begin with '--' (sipalgd --help lists all)");
    CHECK(error_of({"--queue", "1", "--queue", "2"}) == "--queue: given twice (expected once)");
    CHECK(error_of({"--config", "a", "--config", "b"}) == "--config: given twice (expected once)");
    CHECK(error_of({"--queue"}).find("--queue") != std::string::npos);
    CHECK(error_of({"--check=1"}) == "'--check=1': expected --check or --check=rules");
    CHECK(parse({"--workers", "1"}, "workers = 1\n").table == "sipalg");
    CHECK(error_of({"--workers", "2"})
              .starts_with("--workers: '2' is not supported (expected 1): one thread is"));
    CHECK(parse({"--check"}).check);
    CHECK_FALSE(parse({"--check"}).check_rules);
    CHECK(parse({"--check=rules", "--queue", "7"}).check_rules);
    CHECK(parse({"--check=rules"}).check);
}

TEST_CASE("mistakes in the file are named with their line") {
    CHECK(error_of({}, "\nquue = 3\n") ==
          "f.conf:2: quue: unknown option; did you mean 'queue'? (sipalgd --help lists all)");
    CHECK(error_of({}, "queue = 3\nqueue = 4\n") == "f.conf:2: queue: given twice (expected once)");
    CHECK(error_of({}, "check = yes\n") == "f.conf:1: check: allowed on the command line only");
    CHECK(error_of({}, "config = x\n") == "f.conf:1: config: allowed on the command line only");
    CHECK(error_of({}, "# one\nqueue = 70000\n") ==
          "f.conf:2: queue: '70000' is not a queue number (expected 0-65533)");
    CHECK(error_of({"--queue", "3"}, "xyzzy-plugh = 3\n") ==
          "f.conf:1: xyzzy-plugh: unknown option (sipalgd --help lists all)");
}

TEST_CASE("S9 malformed is pass or drop") {
    CHECK_FALSE(parse({}).drop_malformed);
    CHECK_FALSE(parse({"--malformed", "pass"}).drop_malformed);
    CHECK(parse({"--malformed", "drop"}).drop_malformed);
    CHECK_THROWS_WITH_AS(parse({"--malformed", "reject"}),
                         "--malformed: 'reject' is neither 'pass' nor 'drop'", UsageError);
}

TEST_CASE("C5 media-source is for all or for a section; any is only for a section") {
    CHECK(parse({}).treatments == sipalg::Treatments{});
    CHECK(parse({"--media-source", "latch"}).treatments.media_source == sipalg::MediaSource::latch);
    const auto all = parse({},
                           "media-source = latch\n[peer 203.0.113.10]\nmedia-source = any\n"
                           "[phone 192.168.1.0/24]\nmedia-source = negotiated\n")
                         .treatments;
    CHECK(all.media_source == sipalg::MediaSource::latch);
    REQUIRE(all.peers.size() == 1);
    REQUIRE(all.phones.size() == 1);
    CHECK(all.peers[0].prefix == *sipalg::Prefix::parse("203.0.113.10"));
    CHECK(all.peers[0].treatment.media_source == sipalg::MediaSource::any);
    CHECK(all.phones[0].treatment.media_source == sipalg::MediaSource::negotiated);
    // An option on the command line replaces the setting of the file for all, but not its sections.
    CHECK(parse({"--media-source", "negotiated"}, "[peer 203.0.113.10]\nmedia-source = any\n")
              .treatments.peers.size() == 1);

    CHECK(error_of({"--media-source", "any"}) ==
          "--media-source: 'any' would open every call to any sender; set it in the [peer ...] section of "
          "the peer that needs it");
    CHECK(error_of({}, "[peer 203.0.113.10]\nmedia-source = all\n") ==
          "f.conf:2: media-source: 'all' is not a media source (expected negotiated, latch or any)");
    CHECK(error_of({}, "[peer 203.0.113.10]\nqueue = 7\n") ==
          "f.conf:2: queue: not allowed in a section; write it above the first '['");
    CHECK(
        error_of({},
                 "[peer 203.0.113.10]\nmedia-source = any\n[peer 203.0.113.10/32]\nmedia-source = latch\n") ==
        "f.conf:4: media-source: given twice for [peer 203.0.113.10/32] (expected once)");
}

TEST_CASE("S2 O7 mode is for all or for a section") {
    CHECK(parse({"--mode", "observe"}).treatments.mode == sipalg::Mode::observe);
    const auto all = parse({}, "mode = rewrite\n[phone 192.168.1.20]\nmode = off\n").treatments;
    CHECK(all.mode == sipalg::Mode::rewrite);
    CHECK(all.phones.at(0).treatment.mode == sipalg::Mode::off);
    CHECK(error_of({"--mode", "on"}) ==
          "--mode: 'on' is not a mode (expected auto, rewrite, pinhole, observe or off)");
}

TEST_CASE("N2 nat is for all or for phones") {
    CHECK(parse({"--nat", "yes"}).treatments.nat == sipalg::Nat::yes);
    const auto all = parse({}, "nat = no\n[phone 10.0.0.0/8]\nnat = auto\n").treatments;
    CHECK(all.nat == sipalg::Nat::no);
    CHECK(all.phones.at(0).treatment.nat == sipalg::Nat::automatic);
    CHECK(error_of({"--nat", "maybe"}) == "--nat: 'maybe' is neither auto, yes nor no");
    CHECK(error_of({}, "[peer 10.0.0.1]\nnat = no\n") ==
          "f.conf:2: nat: not allowed in [peer 10.0.0.1]; it is a setting of phones");
}

TEST_CASE("N5 delegates are listed in sections of phones") {
    const auto all =
        parse({}, "[phone 192.168.1.2]\ndelegates = 192.168.1.0/24\ndelegates = 2001:db8::/64\n").treatments;
    REQUIRE(all.phones.size() == 1);
    CHECK(all.phones[0].treatment.delegates ==
          std::vector{*sipalg::Prefix::parse("192.168.1.0/24"), *sipalg::Prefix::parse("2001:db8::/64")});
    CHECK(error_of({}, "delegates = 192.168.1.0/24\n") ==
          "f.conf:1: delegates: allowed only in a section, below a line [phone ADDRESS] or [peer ADDRESS]");
    CHECK(error_of({}, "[peer 203.0.113.1]\ndelegates = 192.168.1.0/24\n") ==
          "f.conf:2: delegates: not allowed in [peer 203.0.113.1]; it is a setting of phones");
    for (const char* bad : {"192.168.1.1/24", "0.0.0.0/0", "host"})
        CHECK(error_of({}, "[phone 192.168.1.2]\ndelegates = " + std::string(bad) + "\n")
                  .starts_with("f.conf:2: delegates: '" + std::string(bad) +
                               "' is neither an address nor a prefix"));
}

TEST_CASE("X12 phones may send by any interface where their sections say so") {
    const auto all = parse({},
                           "[phone 192.168.3.0/24]\nany-interface = yes\n[phone 192.168.3.7]\n"
                           "any-interface = no\n[phone 192.168.4.1]\nany-interface = yes\n")
                         .treatments;
    const auto phones = all.any_interface_phones();
    const auto may = [&](const char* phone) {
        return std::count_if(phones.begin(), phones.end(), [&](const sipalg::Prefix& prefix) {
            return prefix.contains(*sipalg::Address::parse(phone));
        });
    };
    CHECK(may("192.168.3.1") == 1);
    CHECK(may("192.168.3.7") == 0);
    CHECK(may("192.168.3.255") == 1);
    CHECK(may("192.168.4.1") == 1);
    CHECK(may("192.168.4.2") == 0);
    CHECK(error_of({}, "[peer 203.0.113.1]\nany-interface = yes\n") ==
          "f.conf:2: any-interface: not allowed in [peer 203.0.113.1]; it is a setting of phones");
}

TEST_CASE("N3 peers are allowed in their sections, and phones listen in theirs") {
    const auto all =
        parse({}, "[peer 203.0.113.0/24]\nallowed = yes\n[phone 192.168.1.2]\nlisten = 5060\nlisten = 5080\n")
            .treatments;
    CHECK(all.peers.at(0).treatment.allowed == true);
    CHECK(all.phones.at(0).treatment.listen == std::vector<std::uint16_t>{5060, 5080});
    CHECK(error_of({}, "[phone 192.168.1.0/24]\nlisten = 5060\n") ==
          "f.conf:2: listen: needs the section of a single phone, not [phone 192.168.1.0/24]");
    CHECK(error_of({}, "[phone 192.168.1.2]\nlisten = 3389\n") ==
          "f.conf:2: listen: '3389' belongs to another service and is never opened (X2); let the phone use "
          "another port");
    CHECK(error_of({}, "[phone 192.168.1.2]\nallowed = yes\n") ==
          "f.conf:2: allowed: not allowed in [phone 192.168.1.2]; it is a setting of peers");
}

TEST_CASE("options must fit together") {
    CHECK(error_of({"--outside", "eth0", "--inside", "eth0"}) ==
          "--inside: 'eth0' can't be inside and outside at once; name each interface once");
    CHECK(error_of({"--outside", "eth0", "--external-address", "203.0.113.7", "--external-address",
                    "203.0.113.8"}) ==
          "--external-address: 2 addresses, but 1 --outside; give one address for "
          "all, or one for each --outside");
    CHECK(parse({"--external-address", "203.0.113.7"}).external_addresses.size() == 1);
}

TEST_CASE("help, version and config are not settings") {
    const CommandLine line = parse_command_line({"--help", "--version", "--config", "x.conf"});
    CHECK(line.help);
    CHECK(line.version);
    CHECK(line.config == "x.conf");
    CHECK(line.settings.empty());
}

TEST_CASE("a named configuration file must exist") {
    CHECK_THROWS_AS(load_options(parse_command_line({"--config", "/nonexistent/x.conf"})), UsageError);
    CHECK_THROWS_AS(load_options(parse_command_line({"--config", ""})), UsageError);
    CHECK(load_options(parse_command_line({"--config", "/dev/null", "--queue", "8"})).queue == 8);
}

TEST_CASE("a TLS port is not a SIP port") {
    const auto ports = [](const std::vector<std::string>& arguments) { return parse(arguments).tls_ports; };
    CHECK(ports({}) == std::vector<std::uint16_t>{5061});
    CHECK(ports({"--tls-port", "443", "--tls-port", "5071", "--tls-port", "443"}) ==
          std::vector<std::uint16_t>{443, 5071});
    CHECK(ports({"--sip-port", "5061"}).empty());
    CHECK(error_of({"--tls-port", "5060"}) ==
          "--tls-port: '5060' is a SIP port already, where TLS is recognised too; name each port once");
    CHECK(error_of({"--sip-port", "5061", "--tls-port", "5061"}).find("is a SIP port already") !=
          std::string::npos);
    CHECK_FALSE(parse({}).find_sip);
    CHECK(parse({"--find-sip"}).find_sip);
}

TEST_CASE("A4 accept-in: auto by default, alone with none, chains otherwise") {
    CHECK(parse({}).accept_in_auto);
    const Options none = parse({"--accept-in", "none"});
    CHECK_FALSE(none.accept_in_auto);
    CHECK(none.accept_in.empty());
    const Options chain = parse({"--accept-in", "ip6 six forward"});
    CHECK_FALSE(chain.accept_in_auto);
    CHECK(chain.accept_in.size() == 1);
    CHECK_THROWS_AS(parse({"--accept-in", "none", "--accept-in", "auto"}), UsageError);
    CHECK_THROWS_AS(parse({"--accept-in", "ip6 six forward", "--accept-in", "none"}), UsageError);
}

TEST_CASE("options that a running daemon cannot change are named") {
    const Options running = parse({});
    CHECK(differences_that_need_a_restart(running, parse({"--history", "7", "--mask-numbers"})).empty());
    CHECK(differences_that_need_a_restart(running, parse({"--log-format", "json"})).empty());
    CHECK(differences_that_need_a_restart(running, parse({"--log-level", "debug"})).empty());
    CHECK(differences_that_need_a_restart(running, parse({"--external-address", "203.0.113.7"})).empty());
    CHECK(differences_that_need_a_restart(running, parse({"--outside",
                                                          "a",
                                                          "--inside",
                                                          "b",
                                                          "--sip-port",
                                                          "1",
                                                          "--tls-port",
                                                          "2",
                                                          "--find-sip",
                                                          "--media-ports",
                                                          "2000-3000",
                                                          "--accept-in",
                                                          "none",
                                                          "--malformed",
                                                          "drop",
                                                          "--queue",
                                                          "1",
                                                          "--table",
                                                          "t",
                                                          "--control",
                                                          "/c",
                                                          "--foreground",
                                                          "--public-ports",
                                                          "4112-4127"})) ==
          std::vector<std::string>{"foreground", "outside", "inside", "sip-port", "tls-port", "find-sip",
                                   "media-ports", "public-ports", "accept-in", "malformed", "queue", "table",
                                   "control"});
}

TEST_CASE("X7 each limit is an option") {
    const Options o = parse({"--max-calls", "20000"}, "max-tcp-bytes = 33554432\nemergency-number = 110\n");
    CHECK(o.limits.max_calls == 20000);
    CHECK(o.limits.max_stream_memory == 33554432);
    CHECK(o.limits.max_mappings == 65536);
    CHECK(o.emergency_numbers == std::vector<std::string>{"110"});
    CHECK(error_of({"--max-calls", "0"}).find("is not a limit (expected 1-1000000)") != std::string::npos);
    CHECK(error_of({"--emergency-number", "+112"}).find("is not a number to dial") != std::string::npos);
    CHECK(differences_that_need_a_restart(parse({}), o) ==
          std::vector<std::string>{"emergency-number", "max-calls", "max-tcp-bytes"});
}
