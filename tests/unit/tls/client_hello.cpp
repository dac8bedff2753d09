#include "alg/tls/client_hello.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/tls/hellos.hpp"

using namespace sipalg;
using namespace sipalg::test;
using Outcome = tls::ClientHello::Outcome;

namespace {

const std::string grease = extension(0x0a0a, "");
const std::string groups = extension(10, std::string(40, 'g'));
const std::string named = grease + server_name("sip.example.com") + groups;

bool is(const tls::ClientHello& hello, Outcome outcome, const std::string& name = {}) {
    CAPTURE(static_cast<int>(hello.outcome));
    CAPTURE(hello.server_name);
    return hello.outcome == outcome && hello.server_name == name;
}

}  // namespace

TEST_CASE("N4: the name in a ClientHello, over a stream and in a datagram") {
    CHECK(is(tls::read_stream(tls_records(hello_body(named))), Outcome::hello, "sip.example.com"));
    CHECK(is(tls::read_datagram(dtls_records(hello_body(named, true))), Outcome::hello, "sip.example.com"));
    CHECK(is(tls::read_stream(tls_records(hello_body(groups))), Outcome::hello));
    CHECK(is(tls::read_datagram(dtls_records(hello_body(groups, true))), Outcome::hello));
}

TEST_CASE("N4: a hello may be split into several records") {
    for (const std::size_t most : {1U, 2U, 7U, 50U, 100U}) {
        CAPTURE(most);
        CHECK(is(tls::read_stream(tls_records(hello_body(named), most)), Outcome::hello, "sip.example.com"));
        CHECK(is(tls::read_datagram(dtls_records(hello_body(named, true), most)), Outcome::hello,
                 "sip.example.com"));
    }
}

TEST_CASE("N4: a beginning needs more bytes until the name is complete") {
    const std::string whole = tls_records(hello_body(named));
    const std::size_t behind_name = whole.find("sip.example.com") + 15;
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        CAPTURE(size);
        const auto hello = tls::read_stream(std::string_view(whole).substr(0, size));
        if (size < behind_name)
            CHECK(is(hello, Outcome::need_more));
        else
            CHECK(is(hello, Outcome::hello, "sip.example.com"));
    }
}

TEST_CASE("N4: a datagram with only the first part of a hello") {
    const std::string records = dtls_records(hello_body(groups + named, true), 100);
    const std::size_t first = 13 + 12 + 100;
    CHECK(is(tls::read_datagram(records.substr(0, first)), Outcome::need_more));
    CHECK(is(tls::read_datagram(records.substr(first)), Outcome::not_hello));          // a later part alone
    CHECK(is(tls::read_datagram(records.substr(0, first + 40)), Outcome::not_hello));  // a cut record
}

TEST_CASE("a hello without extensions") {
    std::string body = hello_body("");
    body.resize(body.size() - 2);
    CHECK(is(tls::read_stream(tls_records(body)), Outcome::hello));
}

TEST_CASE("invalid names") {
    const auto with = [](const std::string& extensions) {
        return tls::read_stream(tls_records(hello_body(extensions)));
    };
    CHECK(is(with(server_name("")), Outcome::hello));
    CHECK(is(with(server_name("a b")), Outcome::hello));
    CHECK(is(with(server_name("a\x1b[2J")), Outcome::hello));
    CHECK(is(with(server_name(std::string(256, 'n'))), Outcome::hello));
    CHECK(is(with(server_name(std::string(255, 'n'))), Outcome::hello, std::string(255, 'n')));
    const std::string other_type = '\x05' + number(2, 2) + "xx";
    const std::string host = '\0' + number(1, 2) + "h";
    CHECK(is(with(extension(0, number(9, 2) + other_type + host)), Outcome::hello, "h"));
}

TEST_CASE("bytes that are not a hello") {
    for (const std::string& bytes :
         {std::string("INVITE sip:a SIP/2.0"), std::string("\x17\x03\x03\x00\x10", 5),
          std::string("\x16\x02"), std::string("\x16\x03\x01\x00\x04\x02\x00", 7),  // ServerHello
          std::string("\x16\x03\x01\x00\x00", 5),                   // a record without content
          std::string("\x16\x03\x01\x7f\xff\x01", 6),               // longer than a record may be
          std::string("\x16\x03\x01\x00\x10\x01\x01\x00\x00", 9)})  // a message of an impossible length
        CHECK(is(tls::read_stream(bytes), Outcome::not_hello));
    // Lengths that do not fit into each other.
    const auto broken = [](const std::string& extensions) {
        return is(tls::read_stream(tls_records(hello_body(extensions))), Outcome::not_hello);
    };
    CHECK(broken(std::string(1, 0)));
    CHECK(broken(number(10, 2) + number(100, 2) + "short"));
    CHECK(broken(extension(0, "x")));
    CHECK(broken(extension(0, number(5, 2) + '\0' + number(9, 2) + "h")));
    std::string body = hello_body(named);
    body += "behind";
    CHECK(is(tls::read_stream(tls_records(body)), Outcome::not_hello));
}
