#include "alg/core/path_signs.hpp"

#include <doctest/doctest.h>

#include <string>

#include "alg/core/door.hpp"
#include "tests/unit/flow_tracker.hpp"
#include "tests/unit/packets.hpp"

using namespace sipalg;

namespace {

const Address provider = *Address::parse("203.0.113.10");

struct Router {
    State state{Policy{}};
    Decision decision;
    Time now{1'000'000};

    void handle(Side from, const std::string& message) {
        const Address wan = *Address::parse("203.0.113.1");
        const bool outward = from == Side::inside;
        const auto packet = test::udp_packet(outward ? "192.168.1.10:5060" : "203.0.113.10:5060",
                                             outward ? "203.0.113.10:5060" : "192.168.1.10:5060", message);
        inspect(state, test::answering({from, packet, {wan, wan}}), now, decision);
        state.commit();
    }
    static std::string message(const std::string& start, const std::string& method, const std::string& via,
                               const std::string& from, const std::string& more) {
        return start + "\r\nVia: SIP/2.0/UDP " + via + "\r\nFrom: <" + from +
               ">;tag=t\r\nTo: <sip:a@p.test>" + (start.starts_with("SIP") ? ";tag=far" : "") +
               "\r\nCall-ID: one\r\nCSeq: 1 " + method + "\r\n" + more + "Content-Length: 0\r\n\r\n";
    }
    /// The sign in the response to a request of the phone, with this Via and From.
    std::optional<PathSign> sign(const std::string& method, const std::string& via,
                                 const std::string& from = "sip:a@p.test") {
        handle(Side::inside,
               message(method + " sip:a@p.test SIP/2.0", method, "192.168.1.10:5060;branch=z9hG4bK1;rport",
                       "sip:a@p.test", "Contact: <sip:a@192.168.1.10>\r\nExpires: 60\r\n"));
        handle(Side::outside,
               message("SIP/2.0 200 OK", method, via, from, "Contact: <sip:a@203.0.113.1>;expires=60\r\n"));
        const auto found = state.path_signs.all().find(provider);
        return found == state.path_signs.all().end() ? std::nullopt : std::optional(found->second);
    }
};

}  // namespace

TEST_CASE("O3 received and rport tell of another NAT on the way") {
    for (const std::string method : {"REGISTER", "INVITE"}) {
        CHECK(Router().sign(method, "203.0.113.1:5060;branch=z9hG4bK1;received=203.0.113.1;rport=5060") ==
              std::nullopt);
        CHECK(Router().sign(method, "203.0.113.1:5060;branch=z9hG4bK1;rport=61000;received=198.51.100.7") ==
              PathSign{PathSign::Kind::address, "203.0.113.1:5060", "198.51.100.7:61000"});
        CHECK(Router().sign(method, "203.0.113.1:5060;branch=z9hG4bK1;rport=61000;received=203.0.113.1") ==
              PathSign{PathSign::Kind::port, "203.0.113.1:5060", "203.0.113.1:61000"});
    }
}

TEST_CASE("O3 an echoed Via or From that is not the one that left tells of another ALG") {
    CHECK(Router().sign("REGISTER", "198.51.100.7:5060;branch=z9hG4bK1") ==
          PathSign{PathSign::Kind::message, "Via 203.0.113.1:5060", "Via 198.51.100.7:5060"});
    CHECK(Router().sign("INVITE", "203.0.113.1:5060;branch=z9hG4bK1", "sip:a@198.51.100.7") ==
          PathSign{PathSign::Kind::message, "From sip:a@p.test", "From sip:a@198.51.100.7"});
    CHECK(Router().sign("INVITE", "203.0.113.1:5060;branch=z9hG4bK1") == std::nullopt);
    CHECK(Router().sign("REGISTER", "router.test:5060;branch=z9hG4bK1") == std::nullopt);
}

TEST_CASE("O3 X3 only responses to the phone's own requests tell, and a later one corrects") {
    CHECK(Router().sign("REGISTER", "198.51.100.7:5060;branch=z9hG4bKother") == std::nullopt);
    CHECK(Router().sign("INVITE", "198.51.100.7:5060;branch=z9hG4bKother") == std::nullopt);
    CHECK(Router().sign("OPTIONS", "198.51.100.7:5060;branch=z9hG4bK1") == std::nullopt);
    Router router;
    CHECK(router.sign("REGISTER", "203.0.113.1:5060;branch=z9hG4bK1;received=198.51.100.7"));
    CHECK_FALSE(router.sign("REGISTER", "203.0.113.1:5060;branch=z9hG4bK1;received=203.0.113.1"));
}

TEST_CASE("O3 X7 signs are kept for a bounded number of peers") {
    PathSigns signs;
    for (unsigned i = 0; i < 2 * PathSigns::most; ++i)
        signs.note(Address::v4(0x0A000000U + i), PathSign{});
    CHECK(signs.all().size() == PathSigns::most);
}
