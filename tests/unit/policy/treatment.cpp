#include "alg/policy/treatment.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace sipalg;

namespace {

Address at(const char* text) {
    return *Address::parse(text);
}

Section section(const char* prefix, MediaSource source) {
    Section made{*Prefix::parse(prefix), {}};
    made.treatment.media_source = source;
    return made;
}

}  // namespace

TEST_CASE("a prefix is an address, or an address with a length and no further bits") {
    CHECK(Prefix::parse("203.0.113.10") == Prefix{at("203.0.113.10"), 32});
    CHECK(Prefix::parse("203.0.113.0/24") == Prefix{at("203.0.113.0"), 24});
    CHECK(Prefix::parse("0.0.0.0/0") == Prefix{at("0.0.0.0"), 0});
    CHECK(Prefix::parse("2001:db8::/33") == Prefix{at("2001:db8::"), 33});
    for (const char* bad : {"", "/", "203.0.113.10/24", "203.0.113.0/33", "203.0.113.0/", "203.0.113.0/2x",
                            "203.0.113.0/-1", "2001:db8::1/127", "2001:db8::/129", "provider.test/24"}) {
        CAPTURE(bad);
        CHECK_FALSE(Prefix::parse(bad));
    }
}

TEST_CASE("a prefix contains the addresses that share its bits") {
    const Prefix odd = *Prefix::parse("203.0.113.8/29");
    CHECK(odd.contains(at("203.0.113.8")));
    CHECK(odd.contains(at("203.0.113.15")));
    CHECK_FALSE(odd.contains(at("203.0.113.16")));
    CHECK_FALSE(odd.contains(at("203.0.113.7")));
    CHECK_FALSE(odd.contains(at("2001:db8::1")));
    CHECK_FALSE(Prefix::parse("0.0.0.0/0")->contains(Address{}));
    CHECK(Prefix::parse("2001:db8::/33")->contains(at("2001:db8:7fff::1")));
    CHECK_FALSE(Prefix::parse("2001:db8::/33")->contains(at("2001:db8:8000::1")));
}

TEST_CASE("C5 the most specific section of the peer applies, then that of the phone, then the default") {
    Treatments all;
    CHECK(all.media_source_of(at("192.168.1.10"), at("203.0.113.10")) == MediaSource::negotiated);
    all.media_source = MediaSource::latch;
    CHECK(all.media_source_of(at("192.168.1.10"), at("203.0.113.10")) == MediaSource::latch);
    all.phones = {section("192.168.1.0/24", MediaSource::any)};
    CHECK(all.media_source_of(at("192.168.1.10"), at("203.0.113.10")) == MediaSource::any);
    CHECK(all.media_source_of(at("192.168.2.10"), at("203.0.113.10")) == MediaSource::latch);
    all.peers = {section("203.0.113.10", MediaSource::negotiated),
                 section("203.0.113.0/24", MediaSource::latch)};
    CHECK(all.media_source_of(at("192.168.1.10"), at("203.0.113.10")) == MediaSource::negotiated);
    CHECK(all.media_source_of(at("192.168.1.10"), at("203.0.113.11")) == MediaSource::latch);
    // A section that does not have the setting does not hide a wider one that has.
    all.peers[0].treatment.media_source.reset();
    CHECK(all.media_source_of(at("192.168.1.10"), at("203.0.113.10")) == MediaSource::latch);
}

TEST_CASE("S2 the mode is chosen like the other settings, and each mode has a word") {
    Treatments all;
    const Address phone = at("192.168.1.10"), peer = at("203.0.113.10");
    CHECK(all.mode_of(phone, peer) == Mode::automatic);
    all.mode = Mode::rewrite;
    CHECK(all.mode_of(phone, peer) == Mode::rewrite);
    Section& one = all.phones.emplace_back(Section{*Prefix::parse("192.168.1.10"), {}});
    one.treatment.mode = Mode::off;
    CHECK(all.mode_of(phone, peer) == Mode::off);
    CHECK(all.mode_of(at("192.168.1.11"), peer) == Mode::rewrite);
    all.peers.push_back(Section{*Prefix::parse("203.0.113.0/24"), {}});
    CHECK(all.mode_of(phone, peer) == Mode::off);
    all.peers[0].treatment.mode = Mode::pinhole;
    CHECK(all.mode_of(phone, peer) == Mode::pinhole);
    for (const auto& [mode, text] : {std::pair{Mode::automatic, "auto"}, std::pair{Mode::rewrite, "rewrite"},
                                     std::pair{Mode::pinhole, "pinhole"}, std::pair{Mode::observe, "observe"},
                                     std::pair{Mode::off, "off"}})
        CHECK(word(mode) == text);
}

TEST_CASE("N2 private IPv4 addresses are translated; others, and IPv6, are not, unless the owner sets it") {
    Treatments all;
    for (const char* inside : {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.255.1", "100.64.0.1",
                               "100.127.255.255", "169.254.1.1"}) {
        CAPTURE(inside);
        CHECK(all.is_translated(at(inside)));
    }
    for (const char* inside :
         {"9.255.255.255", "11.0.0.1", "172.15.0.1", "172.32.0.1", "192.167.1.1", "192.169.1.1", "100.63.0.1",
          "100.128.0.1", "169.253.1.1", "203.0.113.9", "fd00::1", "2001:db8::1"}) {
        CAPTURE(inside);
        CHECK_FALSE(all.is_translated(at(inside)));
    }
    all.phones.push_back({*Prefix::parse("10.1.0.0/16"), {}});
    all.phones[0].treatment.nat = Nat::no;
    CHECK_FALSE(all.is_translated(at("10.1.2.3")));
    CHECK(all.is_translated(at("10.2.2.3")));
    all.nat = Nat::yes;
    CHECK(all.is_translated(at("11.0.0.1")));
    CHECK_FALSE(all.is_translated(at("2001:db8::1")));
}

TEST_CASE("N5 a phone's delegates are those of the most specific section that lists any") {
    Treatments all;
    const Address pbx = at("192.168.1.2");
    CHECK_FALSE(all.is_delegate(pbx, at("192.168.1.3")));
    all.phones.push_back({*Prefix::parse("192.168.1.0/24"), {}});
    all.phones[0].treatment.delegates = {*Prefix::parse("192.168.7.0/24")};
    all.phones.push_back({*Prefix::parse("192.168.1.2"), {}});
    CHECK(all.is_delegate(pbx, at("192.168.7.3")));
    all.phones[1].treatment.delegates = {*Prefix::parse("192.168.8.0/24"), *Prefix::parse("2001:db8::2")};
    CHECK_FALSE(all.is_delegate(pbx, at("192.168.7.3")));
    CHECK(all.is_delegate(pbx, at("192.168.8.3")));
    CHECK(all.is_delegate(at("192.168.1.9"), at("192.168.7.3")));
    CHECK(all.has_delegates(pbx, Family::v6));
    CHECK_FALSE(all.has_delegates(at("192.168.1.9"), Family::v6));
}

TEST_CASE(
    "N3 allowed peers are prefixes without overlap, without those that more specific sections exclude") {
    Treatments all;
    const auto allow = [&](const char* prefix, bool allowed) {
        all.peers.push_back({*Prefix::parse(prefix), {}});
        all.peers.back().treatment.allowed = allowed;
    };
    const auto is_allowed = [&](const char* peer) {
        const auto prefixes = all.allowed_peers();
        return std::count_if(prefixes.begin(), prefixes.end(),
                             [&](const Prefix& prefix) { return prefix.contains(at(peer)); });
    };
    CHECK_FALSE(all.allows_peers());
    allow("203.0.113.9", false);
    CHECK_FALSE(all.allows_peers());
    CHECK(all.allowed_peers().empty());
    allow("203.0.113.0/24", true);
    allow("203.0.113.8/30", true);
    allow("203.0.113.128/25", false);
    allow("203.0.113.200", true);
    allow("2001:db8::/32", true);
    CHECK(all.allows_peers());
    for (const char* peer :
         {"203.0.113.0", "203.0.113.8", "203.0.113.10", "203.0.113.127", "203.0.113.200", "2001:db8::9"}) {
        CAPTURE(peer);
        CHECK(is_allowed(peer) == 1);
    }
    for (const char* peer : {"203.0.113.9", "203.0.113.128", "203.0.113.255", "203.0.114.0", "2001:db9::1"}) {
        CAPTURE(peer);
        CHECK(is_allowed(peer) == 0);
    }
}
