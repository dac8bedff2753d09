// Registrations, by messages.
#include "alg/registration/registrations.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <string>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "alg/core/state.hpp"
#include "tests/unit/flow_tracker.hpp"
#include "tests/unit/packets.hpp"

namespace sipalg {

namespace {

const Address wan = Address::v4(0xCB007101);

/// Phones that register at one registrar.
struct Site {
    void say(Side from, unsigned phone, const std::string& text) {
        const std::string inside = address(phone) + ":5060", registrar = "203.0.113.10:5060";
        const bool out = from == Side::inside;
        const auto bytes = test::udp_packet(out ? inside : registrar, out ? registrar : inside, text);
        inspect(state, test::answering({from, bytes, {wan, wan}}), now, decision);
        state.commit();
    }
    static std::string address(unsigned phone) {
        return "10.0." + std::to_string(phone / 250) + "." + std::to_string(phone % 250 + 1);
    }
    static std::string head(unsigned phone, const std::string& via, const std::string& call_id, unsigned cseq,
                            const std::string& contact) {
        const std::string uri = "<sip:p" + std::to_string(phone) + "@p.test>";
        return "Via: SIP/2.0/UDP " + via + ";branch=z9hG4bK" + std::to_string(cseq) + "\r\nFrom: " + uri +
               ";tag=a\r\nTo: " + uri + "\r\nCall-ID: " + call_id + "\r\nCSeq: " + std::to_string(cseq) +
               " REGISTER\r\nContact: <sip:p@" + contact + ">;expires=600\r\n\r\n";
    }
    void ask(unsigned phone, const std::string& call_id, unsigned cseq) {
        const std::string inside = address(phone) + ":5060";
        say(Side::inside, phone,
            "REGISTER sip:p.test SIP/2.0\r\n" + head(phone, inside, call_id, cseq, inside));
    }
    void grant(unsigned phone, const std::string& call_id, unsigned cseq) {
        const nat::MappingEntry* entry = state.mappings.find(
            nat::MappingKey{{Transport::udp, *Endpoint::parse(address(phone) + ":5060")}, wan});
        REQUIRE(entry);
        const std::string outside = entry->public_endpoint().text();
        say(Side::outside, phone, "SIP/2.0 200 OK\r\n" + head(phone, outside, call_id, cseq, outside));
    }
    void bind(unsigned phone, unsigned cseq) {
        const std::string call_id = "c" + std::to_string(phone);
        ask(phone, call_id, cseq);
        grant(phone, call_id, cseq);
    }

    State state{Policy{}};
    Decision decision;
    Time now{1'000'000};
};

// CPU time of many refreshes of one phone's binding, the least of several rounds.
std::clock_t cost_of_refresh(unsigned phones) {
    Site site;
    for (unsigned phone = 0; phone < phones; ++phone)
        site.bind(phone, 1);
    REQUIRE(report_bindings(site.state, site.now).size() == phones);
    std::clock_t least = 0;
    unsigned cseq = 1;
    for (int round = 0; round < 5; ++round) {
        const std::clock_t begun = std::clock();
        for (int i = 0; i < 100; ++i) {
            site.bind(0, ++cseq);
            CHECK(site.state.registrations.is_registered(Address::v4(0x0A000001), Address::v4(0xCB00710A)));
        }
        const std::clock_t spent = std::clock() - begun;
        least = round == 0 ? spent : std::min(least, spent);
    }
    return std::max<std::clock_t>(least, 1);
}

}  // namespace

TEST_CASE("P5 a refresh of a binding costs the same with 50 bindings and with 4,000") {
    CHECK(cost_of_refresh(4000) < 3 * cost_of_refresh(50));
}

TEST_CASE(
    "C8 X7 law 7: a Call-ID up to 512 bytes binds; a longer one is refused with a reason, not truncated") {
    for (const std::size_t length : {512U, 513U, 2000U}) {
        Site site;
        const std::string call_id(length, 'c');
        site.ask(1, call_id, 1);
        CHECK((site.decision.reason == Reason::limit_reached) == (length > 512));
        site.grant(1, call_id, 1);
        CHECK(report_bindings(site.state, site.now).size() == (length > 512 ? 0 : 1));
    }
}

TEST_CASE("C8 law 7: two Call-IDs that differ only at their end are two requests") {
    Site site;
    const std::string same(511, 'c');
    site.ask(1, same + "1", 1);
    site.grant(1, same + "2", 1);
    CHECK(report_bindings(site.state, site.now).empty());
    site.grant(1, same + "1", 1);
    CHECK(report_bindings(site.state, site.now).size() == 1);
}

}  // namespace sipalg
