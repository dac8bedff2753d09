#include "alg/nat/old_endpoints.hpp"

#include <doctest/doctest.h>

namespace sipalg::nat {

namespace {

const Address first = Address::v4(0xCB007101), second = Address::v4(0xCB007102),
              third = Address::v4(0xCB007103);
const Socket phone{Transport::udp, {Address::v4(0xC0A8010A), 5060}};

Socket shown(const Address& address, std::uint16_t port = 5060) {
    return {Transport::udp, {address, port}};
}

}  // namespace

TEST_CASE("C11 an old endpoint means its mapping until the latest time that was set for it") {
    nat::OldEndpoints former(10);
    const nat::MappingKey key{phone, second};
    former.add(shown(first), key, Time{32'000});
    REQUIRE(former.find(shown(first)));
    CHECK(*former.find(shown(first)) == key);
    CHECK_FALSE(former.find(shown(first, 5062)));
    CHECK(former.knows(first, second));
    CHECK_FALSE(former.knows(second, second));
    CHECK_FALSE(former.knows(first, third));
    former.add(shown(first), key, Time{600'000});
    former.add(shown(first), key, Time{100'000});  // no reason to end earlier
    former.expire(Time{599'999});
    CHECK(former.find(shown(first)));
    former.expire(Time{600'000});
    former.commit();
    CHECK_FALSE(former.find(shown(first)));
    CHECK_FALSE(former.knows(first, second));
    CHECK_FALSE(former.next_deadline());
}

TEST_CASE("C11 old endpoints follow a second change of address") {
    nat::OldEndpoints former(10);
    former.add(shown(first), {phone, second}, Time{32'000});
    former.commit();
    const AddressChange move{second, {third, third}};
    former.renumber(nat::Renumbering({&move, 1}));
    CHECK(former.find(shown(first))->outside == third);
    CHECK(former.knows(first, third));
    CHECK_FALSE(former.knows(first, second));
    former.cancel();
    CHECK(former.find(shown(first))->outside == second);
    CHECK(former.knows(first, second));
    CHECK_FALSE(former.knows(first, third));
}

TEST_CASE("X7 at the limit no more old endpoints are added") {
    nat::OldEndpoints former(1);
    former.add(shown(first), {phone, second}, Time{32'000});
    former.add(shown(first, 5062), {phone, second}, Time{32'000});
    CHECK(former.size() == 1);
    CHECK_FALSE(former.find(shown(first, 5062)));
}

}  // namespace sipalg::nat
