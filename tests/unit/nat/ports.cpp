#include "alg/nat/ports.hpp"

#include <doctest/doctest.h>

#include <set>

namespace sipalg::nat {

namespace {
struct Taken {
    std::set<std::uint16_t> ports;
    bool operator()(std::uint16_t port) const { return !ports.contains(port); }
};
}  // namespace

TEST_CASE("X2 privileged ports and services are never opened") {
    for (const int port : {0, 22, 445, 1023, 1080, 1433, 3306, 3389, 5900, 6379, 8080, 11211})
        CHECK(is_forbidden_port(static_cast<std::uint16_t>(port)));
    for (const int port : {1024, 5004, 5060, 5061, 5070, 16384, 65535})
        CHECK_FALSE(is_forbidden_port(static_cast<std::uint16_t>(port)));
    Ports ports(PortRange{3388, 3393});  // 3389 is in the range
    Taken taken{{3388}};
    CHECK(ports.choose(3389, 1, taken) == 3390);
    CHECK(ports.choose(22, 1, taken) == 3392);
}

TEST_CASE("A3 the wanted port is chosen if it is free, also an odd one") {
    Ports ports(PortRange{20000, 20009});
    CHECK(ports.choose(5060, 1, Taken{}) == 5060);
    CHECK(ports.choose(16001, 2, Taken{}) == 16001);
    CHECK(ports.choose(65535, 1, Taken{}) == 65535);
    CHECK(ports.choose(65535, 2, Taken{}) == 20000);  // there is no port behind it
}

TEST_CASE("A3 a pair is an even and the next odd port, both free") {
    Ports ports(PortRange{20000, 20009});
    CHECK(ports.choose(16000, 2, Taken{{16001}}) == 20000);
    CHECK(ports.choose(16000, 2, Taken{{16000, 20003, 20004}}) == 20006);
    CHECK(ports.choose(16000, 2, Taken{{16000}}) == 20008);
    CHECK(ports.choose(16000, 2, Taken{{16000}}) == 20000);  // round again
}

TEST_CASE("X7 an exhausted range yields no port") {
    Ports ports(PortRange{20000, 20003});
    CHECK_FALSE(ports.choose(5060, 1, [](std::uint16_t) { return false; }));
    CHECK(ports.choose(5060, 1, Taken{{5060, 20000}}) == 20002);
    CHECK_FALSE(ports.choose(5060, 2, Taken{{5060, 20001, 20003}}));
}

TEST_CASE("A3 ports near 65535 do not overflow") {
    Ports ports(PortRange{65534, 65535});
    CHECK(ports.choose(5060, 2, Taken{{5060}}) == 65534);
    CHECK(ports.choose(5060, 2, Taken{{5060}}) == 65534);
}

TEST_CASE("A3: where others share the address, only the router's own ports are chosen (MAP-E)") {
    Ports ports({16384, 32767}, {{4111, 4126}, {8208, 8210}});
    CHECK(ports.choose(4120, 1, Taken{}) == 4120);
    CHECK(ports.choose(4126, 2, Taken{}) == 4112);  // the next port is somebody else's
    CHECK(ports.choose(5060, 1, Taken{{4112, 4114, 4116, 4118, 4120, 4122, 4124, 4126}}) == 8208);
    CHECK(ports.choose(16384, 2, Taken{{4112, 4115, 4117, 4119, 4121, 4123, 4125, 4127, 8208}}) ==
          std::nullopt);
    CHECK(ports.in_range(8210));
    CHECK_FALSE(ports.in_range(5060));
    CHECK_FALSE(ports.in_range(16384));
}

}  // namespace sipalg::nat
