#include "tests/cases/promises.hpp"

#include <doctest/doctest.h>

#include <random>
#include <stdexcept>

#include "tests/cases/sequence.hpp"

namespace sipalg {

namespace {

const Endpoint phone = *Endpoint::parse("192.168.1.10:5060"), peer = *Endpoint::parse("203.0.113.10:5060"),
               outside = *Endpoint::parse("203.0.113.1:16000");
constexpr Time now{1'000'000};

test::TableKernel kernel_with(std::initializer_list<Element> elements, Seconds timeout = Seconds{60}) {
    test::TableKernel kernel;
    for (const Element& element : elements) {
        const Change add{Change::Op::add, element, timeout};
        kernel.apply({&add, 1}, now);
    }
    return kernel;
}

const Mapping mapping{Transport::udp, {phone.address, 16000}, outside};
const std::string request =
    "OPTIONS sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=l\r\n"
    "To: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nX-Other: 192.168.1.10\r\nContent-Length: 0\r\n\r\n";

std::string replaced(std::string text, const std::string& old, const std::string& fresh) {
    return text.replace(text.find(old), old.size(), fresh);
}

}  // namespace

TEST_CASE("X1 X2 X8 X11 the promises of sequences find what no packet can justify") {
    test::Promises promises;
    CHECK_THROWS_WITH_AS(promises.check(kernel_with({mapping}), now), doctest::Contains("X1"),
                         std::runtime_error);
    promises.note(Side::inside, phone.address, peer.address, "c=IN IP4 203.0.113.12", false);
    CHECK_NOTHROW(promises.check(kernel_with({mapping}), now));
    CHECK_THROWS_WITH_AS(promises.check(kernel_with({mapping}, Seconds{100'000}), now),
                         doctest::Contains("X8"), std::runtime_error);
    const Mapping forbidden{Transport::udp, {phone.address, 22}, outside};
    CHECK_THROWS_WITH_AS(promises.check(kernel_with({forbidden}), now), doctest::Contains("X2"),
                         std::runtime_error);

    const auto open_for = [&](const char* remote) {
        return kernel_with({mapping, Pinhole{Transport::udp, *Address::parse(remote), outside}});
    };
    promises.note(Side::outside, phone.address, peer.address, "c=IN IP4 203.0.113.11", false);
    for (const char* remote : {"203.0.113.10", "203.0.113.11"})
        CHECK_THROWS_WITH_AS(promises.check(open_for(remote), now), doctest::Contains("X11"),
                             std::runtime_error);
    promises.note(Side::outside, phone.address, peer.address, "", true);
    for (const char* remote : {"203.0.113.10", "203.0.113.11"})
        CHECK_NOTHROW(promises.check(open_for(remote), now));
    CHECK_THROWS_WITH_AS(promises.check(open_for("203.0.113.12"), now), doctest::Contains("X11"),
                         std::runtime_error);
    CHECK(promises.is_known(phone.address, *Address::parse("203.0.113.11")));
    CHECK_FALSE(promises.is_known(phone.address, *Address::parse("203.0.113.66")));
}

TEST_CASE("S1 S5 S6 the promises of sequences find a change that the rules do not list") {
    const auto check = [](const std::string& after) { test::Promises::check_rewrite(request, after); };
    CHECK_NOTHROW(check(replaced(request, "UDP 192.168.1.10", "UDP 203.0.113.1")));
    CHECK_THROWS_AS(check(replaced(request, "X-Other: 192.168.1.10", "X-Other: 203.0.113.1")),
                    std::runtime_error);
    CHECK_THROWS_AS(check(replaced(request, "bK1", "bK2")), std::runtime_error);
    CHECK_THROWS_AS(check(replaced(request, "tag=l", "tag=m")), std::runtime_error);
    CHECK_THROWS_AS(check(replaced(request, "X-Other", "A: 1\r\nX-Other")), std::runtime_error);
    CHECK_THROWS_AS(check(replaced(request, "Length: 0\r\n\r\n", "Length: 0\r\n\r\nmore")),
                    std::runtime_error);
}

TEST_CASE("X1 X3 X7 X11 S1 S5 the promises hold in random sequences of phones, peers and strangers") {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        std::mt19937 random(seed);
        std::vector<std::uint8_t> bytes(60 + 8 * seed % 700);
        for (std::uint8_t& byte : bytes)
            byte = static_cast<std::uint8_t>(random());
        test::Sequence sequence(bytes);
        INFO("seed ", seed);
        CHECK_NOTHROW(sequence.play());
        CHECK_NOTHROW(sequence.end());
    }
}

}  // namespace sipalg
