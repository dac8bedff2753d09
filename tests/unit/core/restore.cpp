// What a restart costs (A5, P5).
#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "alg/core/state.hpp"

namespace sipalg {

namespace {

const Address wan = Address::v4(0xCB007101);

// So many phones' signalling endpoints, each mapped and diverted.
std::vector<StoredElement> endpoints(std::uint32_t count) {
    std::vector<StoredElement> elements;
    for (std::uint32_t i = 0; i < count; ++i) {
        const Endpoint inside{Address::v4(0x0A000000 + i), 5062};
        const Endpoint outside{wan, static_cast<std::uint16_t>(20'000 + i)};
        elements.push_back({Mapping{Transport::udp, inside, outside}, Seconds{100}});
        elements.push_back({Diversion{Transport::udp, inside}, Seconds{100}});
    }
    return elements;
}

std::clock_t cost_of_restore(std::uint32_t count) {
    const std::vector<StoredElement> elements = endpoints(count);
    std::clock_t least = 0;
    for (int i = 0; i < 3; ++i) {
        State state{Policy{}};
        const std::clock_t begun = std::clock();
        const auto changes = state.restore(
            elements, [](const Address& address) { return address; }, Time{1'000'000});
        const std::clock_t spent = std::clock() - begun;
        least = i == 0 ? spent : std::min(least, spent);
        std::size_t diverted = 0;
        for (const auto& [key, entry] : state.mappings.all())
            diverted += entry.diverted ? 1 : 0;
        REQUIRE(diverted == count);
    }
    return std::max<std::clock_t>(least, 1);
}

}  // namespace

// Sixteen times as many mappings cost about sixteen times as much; they cost 256 times as much when each
// Diversion looked through all mappings.
TEST_CASE("A5 P5 the time of a restart is linear in the number of mappings") {
    CHECK(cost_of_restore(16'384) / cost_of_restore(1024) < 40);
}

}  // namespace sipalg
