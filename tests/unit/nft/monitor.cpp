#include "nft/monitor.hpp"

#include <doctest/doctest.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

using namespace sipalg::nft;

namespace {

constexpr std::uint32_t own = 0x01020384, other = 0x84020301;

/// A monitor, and the other end of its socket, where the kernel would be.
struct Fixture {
    Fixture() {
        REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()) == 0);
        monitor.emplace(sipalg::Fd(ends[0]), own);
    }
    ~Fixture() { close(ends[1]); }

    /// A datagram of messages of these nf_tables types.
    void say(std::uint32_t port, const std::vector<std::uint16_t>& types) const {
        std::string datagram;
        for (const std::uint16_t type : types) {
            std::array<char, 256> bytes{};
            nlmsghdr* header = mnl_nlmsg_put_header(bytes.data());
            header->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type);
            header->nlmsg_pid = port;
            mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg));
            mnl_attr_put_strz(header, NFTA_GEN_PROC_NAME, "somebody");
            datagram.append(bytes.data(), header->nlmsg_len);
        }
        REQUIRE(send(ends[1], datagram.data(), datagram.size(), 0) > 0);
    }
    /// Whether poll() would return.
    bool readable() const {
        pollfd wait{monitor->descriptor(), POLLIN, 0};
        return poll(&wait, 1, 0) == 1;
    }

    std::array<int, 2> ends{};
    std::optional<Monitor> monitor;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a transaction of another program is a change, once") {
    CHECK_FALSE(readable());
    CHECK_FALSE(monitor->changed());
    say(other, {NFT_MSG_NEWGEN});
    CHECK(readable());
    CHECK(monitor->changed());
    CHECK_FALSE(readable());
    CHECK_FALSE(monitor->changed());
    say(0, {NFT_MSG_NEWGEN});
    say(own + 1, {NFT_MSG_NEWGEN});
    CHECK(monitor->changed());
    CHECK_FALSE(monitor->changed());
}

TEST_CASE_FIXTURE(Fixture, "own transactions do not wake the reader") {
    say(own, {NFT_MSG_NEWSETELEM, NFT_MSG_NEWSETELEM});
    say(own, {NFT_MSG_NEWGEN});
    say(own, {NFT_MSG_DELTABLE});
    CHECK_FALSE(readable());
    CHECK_FALSE(monitor->changed());
    say(other, {NFT_MSG_NEWGEN});
    CHECK(monitor->changed());
}

TEST_CASE_FIXTURE(Fixture, "only the end of a transaction wakes the reader, not its contents") {
    for (const std::uint16_t type :
         {NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, NFT_MSG_DELTABLE, NFT_MSG_NEWRULE})
        say(other, {type, NFT_MSG_NEWGEN});
    CHECK_FALSE(readable());
    CHECK_FALSE(monitor->changed());
}

TEST_CASE_FIXTURE(Fixture, "a datagram without a whole header is ignored") {
    REQUIRE(send(ends[1], "\x14", 1, 0) == 1);
    REQUIRE(send(ends[1], "", 0, 0) == 0);
    CHECK_FALSE(monitor->changed());
}

TEST_CASE_FIXTURE(Fixture, "several changes at once are reported once") {
    for (int i = 0; i < 5; ++i)
        say(other, {NFT_MSG_NEWGEN});
    CHECK(monitor->changed());
    CHECK_FALSE(monitor->changed());
}
