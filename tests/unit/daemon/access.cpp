#include "alg/daemon/control/access.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "alg/sys/fd.hpp"

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

Options parse(const std::vector<std::string>& arguments) {
    return make_options(parse_command_line(arguments).settings, {});
}

constexpr uid_t somebody = 65533;  // no user of this machine

}  // namespace

TEST_CASE("X9 root and the daemon's user may do everything") {
    const Access none;
    CHECK(none.may_change({0, {}}));
    CHECK(none.may_read({0, {}}));
    CHECK(none.may_change({geteuid(), {}}));
    CHECK_FALSE(none.may_read({somebody, {0, 10}}));
}

TEST_CASE("X9 the control group may query, and the admin group may also change") {
    const Access access{10, 20};
    CHECK(access.may_read({somebody, {5, 10}}));
    CHECK_FALSE(access.may_change({somebody, {5, 10}}));
    CHECK(access.may_read({somebody, {20}}));
    CHECK(access.may_change({somebody, {20}}));
    CHECK_FALSE(access.may_read({somebody, {5}}));
}

TEST_CASE("X9 groups are looked up by name, and a missing one is a usage error") {
    CHECK(find_access(parse({"--control-group", "root", "--admin-group", "root"})).admin == gid_t{0});
    CHECK_FALSE(find_access(parse({})).admin);
    CHECK_THROWS_WITH_AS(
        find_access(parse({"--admin-group", "no-such-group"})),
        "--admin-group: 'no-such-group' is not a group on this system ('getent group' lists them)",
        UsageError);
    CHECK_THROWS_AS(find_access(parse({"--control-group", "no-such-group"})), UsageError);
}

TEST_CASE("X9 the kernel names the user and the groups of a client") {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const Fd one(ends[0]), other(ends[1]);
    const auto client = client_of(one.get());
    REQUIRE(client);
    CHECK(client->user == geteuid());
    CHECK(std::find(client->groups.begin(), client->groups.end(), getegid()) != client->groups.end());
    CHECK_FALSE(client_of(-1));
}
