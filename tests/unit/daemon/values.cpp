#include "alg/daemon/config/values.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sipalg::daemon;

namespace {

Setting setting(std::string value) {
    return {"o", std::move(value), "--o"};
}

template <typename Parse>
std::string error_of(Parse parse, const std::string& value) {
    try {
        parse(setting(value));
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("switches") {
    CHECK(parse_switch(setting("")));
    CHECK(parse_switch(setting("yes")));
    CHECK_FALSE(parse_switch(setting("no")));
    CHECK(error_of(parse_switch, "maybe") == "--o: 'maybe' is neither yes nor no");
}

TEST_CASE("ports and queue numbers") {
    CHECK(parse_port(setting("1")) == 1);
    CHECK(parse_port(setting("65535")) == 65535);
    for (const char* bad : {"0", "65536", "-1", "5060x", "", " 5060", "0x10", "99999999999"})
        CHECK(error_of(parse_port, bad) ==
              "--o: '" + std::string(bad) + "' is not a port number (expected 1-65535, for example 5060)");
    CHECK(parse_queue(setting("0")) == 0);
    CHECK(error_of(parse_queue, "65534") == "--o: '65534' is not a queue number (expected 0-65533)");
}

TEST_CASE("interface names") {
    for (const char* good : {"eth0", "br-lan", "wan.7", "ppp0", "enp0s31f6", "abcdefghijklmno"})
        CHECK(parse_interface(setting(good)).value == good);
    for (const char* bad :
         {"", "a b", "a/b", "abcdefghijklmnop", ".", "..", "eth0:1", "\"eth0\"", "eth0,eth1"})
        CHECK(error_of(parse_interface, bad) ==
              "--o: '" + std::string(bad) +
                  "' is not an interface name (for example eth0; 'ip link' lists them)");
    CHECK(error_of(parse_interface, "lo") ==
          "--o: 'lo' is the loopback interface (expected one that leads to a network)");
}

TEST_CASE("media ports") {
    const auto ports = parse_media_ports(setting("16384-32767"));
    CHECK(ports.first == 16384);
    CHECK(ports.second == 32767);
    CHECK(error_of(parse_media_ports, "32766-16384") == "--o: '32766-16384' is reversed; write 16384-32766");
    CHECK(error_of(parse_media_ports, "10001-20000") ==
          "--o: '10001-20000' begins with an odd port, but RTP uses the even port of a pair; write "
          "10000-20000 "
          "or another even LO");
    CHECK(error_of(parse_media_ports, "80-20000") ==
          "--o: '80-20000' begins below 1024 (expected LO-HI with LO at least 1024)");
    CHECK(error_of(parse_media_ports, "20000-20001") ==
          "--o: '20000-20001' is too small for a call (expected at least 4 ports)");
    for (const char* bad : {"", "16384", "16384-", "-16384", "a-b", "16384-65536", "16384:32767", "1-2-3"})
        CHECK(error_of(parse_media_ports, bad) ==
              "--o: '" + std::string(bad) +
                  "' is not a port range (expected LO-HI, for example 16384-32767)");
}

TEST_CASE("public ports") {
    CHECK(parse_public_ports(setting("4113-4127")) == sipalg::PortRange{4113, 4127});
    CHECK(error_of(parse_public_ports, "4127-4112") == "--o: '4127-4112' is reversed; write 4112-4127");
    CHECK(error_of(parse_public_ports, "80-2000") ==
          "--o: '80-2000' begins below 1024 (expected LO-HI with LO at least 1024)");
    CHECK(error_of(parse_public_ports, "4112") ==
          "--o: '4112' is not a port range (expected LO-HI, for example 16384-32767)");
}

TEST_CASE("external addresses") {
    CHECK(parse_external_address(setting("203.0.113.7")).text() == "203.0.113.7");
    for (const char* bad : {"", "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "2001:db8::1", "host",
                            "203.0.113.7:5060", "203.0.113.07"})
        CHECK(error_of(parse_external_address, bad) ==
              "--o: '" + std::string(bad) + "' is not a public IPv4 address (for example 203.0.113.7)");
}

TEST_CASE("accepting chains") {
    CHECK(parse_accept_in(setting("ip filter FORWARD")) == sipalg::nft::AcceptIn{"ip", "filter", "FORWARD"});
    CHECK(parse_accept_in(setting("  inet   fw4 forward ")) ==
          sipalg::nft::AcceptIn{"inet", "fw4", "forward"});
    for (const char* bad : {"", "filter FORWARD", "bridge filter FORWARD", "ip filter FORWARD x",
                            "ip fil;ter x", "\"ip filter FORWARD\""})
        CHECK(
            error_of(parse_accept_in, bad).find("expected FAMILY TABLE CHAIN with FAMILY ip, ip6 or inet") !=
            std::string::npos);
}

TEST_CASE("table names and control paths") {
    CHECK(parse_table(setting("sip_alg-2")) == "sip_alg-2");
    for (const char* bad : {"", "2x", "a b", "a;b", "a{", "a.b", "\x1b"})
        CHECK(error_of(parse_table, bad).find("is not a table name (expected a letter") != std::string::npos);
    CHECK(parse_table(setting(std::string(64, 'x'))).size() == 64);
    CHECK(error_of(parse_table, std::string(65, 'x')).find("at most 64") != std::string::npos);
    CHECK(parse_control(setting("/run/x")) == "/run/x");
    CHECK(parse_control(setting(std::string(107, 'x'))).size() == 107);
    CHECK(error_of(parse_control, std::string(108, 'x')).find("at most 107 bytes") != std::string::npos);
    CHECK(error_of(parse_control, "/run/").find("is not a path for a socket") != std::string::npos);
    CHECK(error_of(parse_control, "").find("is not a path for a socket") != std::string::npos);
}
