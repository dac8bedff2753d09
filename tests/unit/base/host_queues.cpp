#include "alg/base/host_queues.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sipalg;

namespace {

const Address one = Address::v4(0xc0a8010a), two = Address::v4(0xc0a8010b);

}  // namespace

TEST_CASE("X7: the oldest key of the host with the most keys goes first") {
    HostQueues<std::string> queues;
    CHECK_FALSE(queues.oldest_of_largest());
    queues.add("c", two);
    queues.add("a", one);
    queues.add("b", one);
    CHECK(queues.largest() == 2);
    CHECK(queues.oldest_of_largest() == "a");
}

TEST_CASE("X7: a removal that is undone keeps the order of the keys") {
    HostQueues<std::string> queues;
    queues.add("a", one);
    queues.add("b", one);
    CHECK(queues.remove("a") == one);
    queues.add_oldest("a", one);
    CHECK(queues.oldest_of_largest() == "a");
    CHECK(queues.size() == 2);
}
