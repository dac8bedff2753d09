#include "alg/base/staged_map.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>

namespace sipalg {

using Words = StagedMap<int, std::string>;

namespace {
std::map<int, std::string> contents(const Words& words) {
    return {words.begin(), words.end()};
}
}  // namespace

TEST_CASE("law 4: staged changes are visible at once") {
    Words words;
    words.put(1, "one");
    REQUIRE(words.find(1));
    CHECK(*words.find(1) == "one");
    CHECK(words.contains(1));
    words.erase(1);
    CHECK_FALSE(words.find(1));
    CHECK(words.edit(1) == nullptr);
    words.erase(1);  // nothing there: nothing happens
    CHECK(words.size() == 0);
}

TEST_CASE("law 4: cancel() restores the old values, commit() drops them") {
    Words words;
    words.put(1, "one");
    words.put(2, "two");
    words.commit();
    words.put(1, "uno");
    *words.edit(2) += "!";
    *words.edit(2) += "?";
    words.erase(2);
    words.put(2, "due");
    words.put(3, "tre");
    words.cancel();
    CHECK(contents(words) == std::map<int, std::string>{{1, "one"}, {2, "two"}});
    *words.edit(1) = "eins";
    words.commit();
    words.cancel();
    CHECK(*words.find(1) == "eins");
}

// Rounds of random steps on `keys` keys, at most `most` in a round.
void mix(unsigned rounds, unsigned keys, unsigned most) {
    std::mt19937 random(7);
    Words words;
    std::map<int, std::string> committed;
    for (unsigned round = 0; round < rounds; ++round) {
        for (auto steps = random() % most; steps > 0; --steps) {
            const int key = static_cast<int>(random() % keys);
            switch (random() % 3) {
                case 0: words.put(key, std::to_string(random())); break;
                case 1: words.erase(key); break;
                default:
                    if (std::string* value = words.edit(key)) *value += 'x';
            }
        }
        if (random() % 2) {
            words.commit();
            committed = contents(words);
        } else {
            words.cancel();
        }
        REQUIRE(contents(words) == committed);
    }
}

TEST_CASE("law 4: cancel() undoes any sequence of changes") {
    mix(2000, 6, 8);
}

TEST_CASE(
    "law 4: cancel() undoes a transaction that changes all entries, as for a new address of the router") {
    mix(200, 150, 600);
}

}  // namespace sipalg
