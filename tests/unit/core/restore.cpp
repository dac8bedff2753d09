// What a restart costs (A5, P5).
#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "alg/core/state.hpp"
#include "alg/registration/binding.hpp"
#include "tests/cases/router.hpp"

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

// The elements of a phone that is registered for 600 s; its record has other bytes and another timeout.
std::vector<Change> restored(State& state, bool for_ever, Seconds remaining) {
    const std::string head =
        "Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=l\r\n"
        "Call-ID: r\r\nCSeq: 1 REGISTER\r\nContact: <sip:a@192.168.1.10:5060>;expires=600\r\n";
    const Endpoint phone = *Endpoint::parse("192.168.1.10:5060"),
                   peer = *Endpoint::parse("203.0.113.10:5060");
    test::Router router;
    const std::string request = "REGISTER sip:x SIP/2.0\r\n" + head + "To: <sip:a@x>\r\n\r\n";
    std::string response = "SIP/2.0 200 OK\r\n" + head + "To: <sip:a@x>;tag=r\r\n\r\n";
    for (std::size_t at = 0; (at = response.find("192.168.1.10", at)) != std::string::npos;)
        response.replace(at, 12, "203.0.113.1");
    router.send(Side::inside, phone, peer, request);
    router.send(Side::outside, peer, phone, response);
    std::vector<StoredElement> elements = router.kernel().read(router.now());
    auto [key, binding] = *router.state().registrations.all().begin();
    if (for_ever) binding.until = Time::max();
    for (StoredElement& stored : elements)
        if (auto* record = std::get_if<Record>(&stored.element)) {
            record->bytes = registration::write_record(key, binding);
            stored.remaining = remaining;
        }
    return state.restore(
        elements, [](const Address& address) { return address; }, router.now());
}

}  // namespace

TEST_CASE(
    "A5 C8 X8 a damaged record makes no binding of more than a day, and is renewed if it would end before") {
    State whole{Policy{}}, early{Policy{}}, for_ever{Policy{}};
    CHECK(restored(whole, false, Seconds{632}).empty());
    const auto renewed = restored(early, false, Seconds{5});
    REQUIRE(renewed.size() == 1);
    CHECK(std::holds_alternative<Record>(renewed[0].element));
    CHECK(renewed[0].timeout == Seconds{632});
    restored(for_ever, true, Seconds{632});
    REQUIRE(for_ever.registrations.all().size() == 1);
    CHECK(for_ever.registrations.all().begin()->second.until <= Time{1'000'000} + Seconds{86'400 + 32});
}

// Sixteen times as many mappings take sixteen times as many instructions, and up to forty times as long,
// because they do not fit into the processor's caches. They cost 256 times as much when each Diversion looked
// through all of them.
TEST_CASE("A5 P5 the time of a restart is linear in the number of mappings") {
    CHECK(cost_of_restore(16'384) / cost_of_restore(1024) < 100);
}

}  // namespace sipalg
