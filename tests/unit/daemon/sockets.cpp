#include "alg/daemon/run/sockets.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

using namespace sipalg;
using sipalg::daemon::parse_proc_net;

namespace {

std::vector<std::string> texts(std::string_view table, Transport transport = Transport::udp) {
    std::vector<Socket> sockets;
    parse_proc_net(table, transport, sockets);
    std::vector<std::string> words;
    for (const Socket& socket : sockets)
        words.push_back(std::string(name(socket.transport)) + " " + socket.endpoint.text());
    return words;
}

}  // namespace

// The tables below are as a little-endian machine prints them.
TEST_CASE("local ends of /proc/net/udp") {
    CHECK(texts("   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
                "inode\n"
                "  123: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 "
                "123 2\n"
                "12345: 00000000:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 "
                "124 2\n") == std::vector<std::string>{"udp 127.0.0.1:53", "udp 0.0.0.0:5060"});
}

TEST_CASE("local ends of /proc/net/tcp6: mapped addresses are IPv4, the wildcard is both") {
    CHECK(texts("   0: 0000000000000000FFFF00000101A8C0:1F90 00000000000000000000000000000000:0000 0A\n"
                "   1: B80D0120000000000000000001000000:0016 00000000000000000000000000000000:0000 0A\n"
                "   2: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A\n",
                Transport::tcp) == std::vector<std::string>{"tcp 192.168.1.1:8080", "tcp [2001:db8::1]:22",
                                                            "tcp [::]:443", "tcp 0.0.0.0:443"});
}

TEST_CASE("other lines are skipped") {
    CHECK(texts("").empty());
    CHECK(texts("\n\n").empty());
    CHECK(texts("  1: \n").empty());
    CHECK(texts("  1: 0100007F\n").empty());
    CHECK(texts("  1: 0100007:0035 x\n").empty());
    CHECK(texts("  1: 0100007G:0035 x\n").empty());
    CHECK(texts("  1: 0100007F:10035 x\n").empty());
    CHECK(texts("  1: 0100007F:0000 x\n").empty());
    CHECK(texts("  1: 0100007F:0035").size() == 1);
}

TEST_CASE("a socket of this process is found") {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const auto sockets = daemon::own_sockets();
    close(fd);
    const Socket expected{Transport::udp, {*Address::parse("127.0.0.1"), ntohs(address.sin_port)}};
    CHECK(std::find(sockets.begin(), sockets.end(), expected) != sockets.end());
}
