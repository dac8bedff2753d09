#include "alg/net/port_range.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace sipalg;

TEST_CASE("ranges of ports are read as they are written") {
    CHECK(PortRange::parse("4112-4127") == PortRange{4112, 4127});
    CHECK(PortRange::parse("1-1")->text() == "1-1");
    for (const char* bad : {"", "7", "7-", "-7", "9-8", "1-65536", "a-b", "1-2-3", "1 -2", "1-2 "})
        CHECK_FALSE(PortRange::parse(bad));
}

TEST_CASE("ranges of ports may overlap; each port counts once") {
    const std::vector<PortRange> ranges{{4112, 4127}, {4120, 4130}, {65535, 65535}};
    CHECK(count_ports(ranges) == 20);
    CHECK(is_in(ranges, 4130));
    CHECK(is_in(ranges, 65535));
    CHECK_FALSE(is_in(ranges, 4131));
    CHECK(count_ports({}) == 0);
}
