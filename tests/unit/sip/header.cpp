#include "alg/sip/header.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sipalg::sip;

TEST_CASE("S10: every header of the table is found by its long name in any case") {
    for (int i = 1; i < static_cast<int>(HeaderId::count_); ++i) {
        const auto id = static_cast<HeaderId>(i);
        const std::string name(long_name(id));
        CAPTURE(name);
        REQUIRE(!name.empty());
        CHECK(header_id(name) == id);
        std::string upper = name, lower = name;
        for (char& c : upper)
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
        for (char& c : lower)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
        CHECK(header_id(upper) == id);
        CHECK(header_id(lower) == id);
    }
}

TEST_CASE("S10: compact names are those of the IANA registry, in both cases") {
    CHECK(header_id("v") == HeaderId::via);
    CHECK(header_id("V") == HeaderId::via);
    CHECK(header_id("f") == HeaderId::from);
    CHECK(header_id("t") == HeaderId::to);
    CHECK(header_id("i") == HeaderId::call_id);
    CHECK(header_id("I") == HeaderId::call_id);
    CHECK(header_id("m") == HeaderId::contact);
    CHECK(header_id("r") == HeaderId::refer_to);
    CHECK(header_id("b") == HeaderId::referred_by);
    CHECK(header_id("c") == HeaderId::content_type);
    CHECK(header_id("l") == HeaderId::content_length);
    CHECK(header_id("e") == HeaderId::content_encoding);
    CHECK(header_id("x") == HeaderId::session_expires);
    CHECK(header_id("k") == HeaderId::supported);
    CHECK(header_id("o") == HeaderId::event);
    CHECK(header_id("y") == HeaderId::identity);
    for (const char c : std::string("adghjnpqswuz0!-@[`{\x7f\xf6\x16"))
        CHECK(header_id(std::string_view(&c, 1)) == HeaderId::other);
}

TEST_CASE("S10: a name that only resembles one in the table is unknown") {
    for (const std::string_view name :
         {"", "Vi", "Viaa", "Vib", "Call\x0dID", "Call_ID", "Call-I", "Call-IDs", "Tp", "C%6Fntact",
          "Fro\x4d\xcd", "Max-Forwards", "Subject", "X-Contact", "Record-Rout\x05", "Conten\x54-Type ",
          "Content-Lengtj"}) {
        CAPTURE(name);
        CHECK(header_id(name) == HeaderId::other);
    }
    // A change of any byte of a name to any other byte makes the name unknown.
    for (int i = 1; i < static_cast<int>(HeaderId::count_); ++i) {
        const auto id = static_cast<HeaderId>(i);
        for (std::size_t at = 0; at < long_name(id).size(); ++at)
            for (int byte = 0; byte < 256; ++byte) {
                std::string name(long_name(id));
                const char old = name[at];
                name[at] = static_cast<char>(byte);
                const bool letter = (old >= 'a' && old <= 'z') || (old >= 'A' && old <= 'Z');
                const bool same = name[at] == old || (letter && (name[at] ^ old) == 0x20);
                if ((header_id(name) == id) != same) FAIL_CHECK("byte " << byte << " in " << name);
            }
    }
}

TEST_CASE("S10: headers outside the table have no name") {
    CHECK(long_name(HeaderId::other).empty());
    CHECK(long_name(HeaderId::count_).empty());
    CHECK(long_name(HeaderId::via) == "Via");
    CHECK(long_name(HeaderId::server) == "Server");
}

TEST_CASE("S10: headers with lists of values") {
    for (const auto id : {HeaderId::via, HeaderId::contact, HeaderId::route, HeaderId::record_route,
                          HeaderId::path, HeaderId::service_route, HeaderId::p_asserted_identity})
        CHECK(is_comma_list(id));
    for (const auto id :
         {HeaderId::other, HeaderId::from, HeaderId::to, HeaderId::call_id, HeaderId::cseq,
          HeaderId::refer_to, HeaderId::authorization, HeaderId::content_type, HeaderId::count_})
        CHECK(!is_comma_list(id));
}

TEST_CASE("S7: methods are known by their exact name, others are unknown") {
    CHECK(method("INVITE") == Method::invite);
    CHECK(method("ACK") == Method::ack);
    CHECK(method("BYE") == Method::bye);
    CHECK(method("CANCEL") == Method::cancel);
    CHECK(method("OPTIONS") == Method::options);
    CHECK(method("REGISTER") == Method::register_);
    CHECK(method("PRACK") == Method::prack);
    CHECK(method("UPDATE") == Method::update);
    CHECK(method("INFO") == Method::info);
    CHECK(method("SUBSCRIBE") == Method::subscribe);
    CHECK(method("NOTIFY") == Method::notify);
    CHECK(method("REFER") == Method::refer);
    CHECK(method("MESSAGE") == Method::message);
    CHECK(method("PUBLISH") == Method::publish);
    for (const std::string_view name : {"", "invite", "INVITEE", "INVIT", "RE%47IST%45R", "NEWMETHOD"})
        CHECK(method(name) == Method::unknown);
}
