#include "alg/nat/listeners.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::nat;

namespace {

Endpoint phone(std::uint32_t host, std::uint16_t port) {
    return {Address::v4(0xC0A80100 + host), port};
}

const auto nobody = [](const Address&) { return false; };
constexpr Listener at_5060{5060, 5060};

struct Fixture {
    Limits limits;
    Listeners all{limits};
    RecordIds ids;
    std::vector<Change> changes;
    bool note(const Endpoint& source, const Listener& listener, Time now) {
        const bool noted = all.note(source, listener, ids, now, changes);
        all.commit();
        return noted;
    }
};

}  // namespace

TEST_CASE_FIXTURE(
    Fixture,
    "X7 the oldest listener of a phone makes room; a phone without one gets none when all are taken") {
    for (std::uint16_t i = 0; i < limits.max_listeners_per_phone; ++i)
        CHECK(note(phone(1, static_cast<std::uint16_t>(50000 + i)), at_5060, Time{i}));
    CHECK(note(phone(1, 50000), {5060, 5062}, Time{20}));  // used again
    CHECK(note(phone(1, 60000), at_5060, Time{30}));
    CHECK(all.size() == limits.max_listeners_per_phone);
    CHECK(all.find(phone(1, 50000))->requests == 5062);
    CHECK_FALSE(all.find(phone(1, 50001)));
    for (std::uint32_t host = 2; all.size() < limits.max_listeners; ++host)
        for (std::uint16_t i = 0; i < limits.max_listeners_per_phone; ++i)
            CHECK(note(phone(host, static_cast<std::uint16_t>(50000 + i)), at_5060, Time{40}));
    CHECK_FALSE(note(phone(5000, 50000), at_5060, Time{50}));
    CHECK(note(phone(2, 60000), at_5060, Time{50}));
    CHECK(all.deadlines() == limits.max_listeners);
}

TEST_CASE_FIXTURE(Fixture, "X7 the owner can set the limits of listeners") {
    limits.max_listeners_per_phone = 2;
    limits.max_listeners = 3;
    for (std::uint16_t i = 0; i < 3; ++i)
        CHECK(note(phone(1, static_cast<std::uint16_t>(50000 + i)), at_5060, Time{i}));
    CHECK(all.size() == 2);
    CHECK(all.largest_share() == 2);
    CHECK(note(phone(2, 50000), at_5060, Time{9}));
    CHECK_FALSE(note(phone(3, 50000), at_5060, Time{9}));
}

TEST_CASE_FIXTURE(
    Fixture, "X8 a listener is forgotten an hour after its last message, unless its phone is registered") {
    note(phone(1, 50000), at_5060, Time{0});
    note(phone(2, 50000), at_5060, Time{0});
    CHECK(changes.size() == 2);
    all.refresh(phone(1, 50000), Listeners::idle - Time{1}, changes);
    all.commit();
    REQUIRE(all.next_deadline() == Listeners::idle);
    all.expire(
        Listeners::idle, [](const Address& host) { return host == phone(2, 0).address; }, changes);
    all.commit();
    CHECK(all.size() == 2);
    all.expire(3 * Listeners::idle, nobody, changes);
    all.commit();
    CHECK(all.empty());
    CHECK(all.deadlines() == 0);
    CHECK(changes.back().op == Change::Op::remove);
}

TEST_CASE_FIXTURE(Fixture, "law 4: what was staged is taken back") {
    CHECK(all.note(phone(1, 50000), at_5060, ids, Time{0}, changes));
    all.cancel();
    CHECK(all.empty());
    CHECK(all.deadlines() == 0);
}
