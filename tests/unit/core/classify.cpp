#include "alg/core/classify.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/tls/hellos.hpp"

using namespace sipalg;
using namespace sipalg::test;

namespace {

constexpr Time at{1'000'000};

/// A state that is told of bytes, and the flow that it lists.
struct Noted {
    State state{Policy{}};
    FlowKey key;

    explicit Noted(Transport transport = Transport::udp)
        : key{transport, {Address::v4(0xC0A8010B), 5060}, {Address::v4(0xCB00710A), 5060}} {}
    const FlowEntry& note(Reason reason, std::string_view bytes = {}) {
        note_flow(state, key, Side::inside, reason, bytes, at);
        return *state.flows.find(key);
    }
};

}  // namespace

TEST_CASE("S8 each kind of bytes that are not a message has its own reason") {
    CHECK(reason_of(sip::Kind::keep_alive) == Reason::keep_alive);
    CHECK(reason_of(sip::Kind::stun) == Reason::stun);
    CHECK(reason_of(sip::Kind::tls) == Reason::tls);
    CHECK(reason_of(sip::Kind::rtp) == Reason::media);
    CHECK(reason_of(sip::Kind::http) == Reason::http);
    CHECK(reason_of(sip::Kind::garbage) == Reason::not_sip);
    CHECK(reason_of(sip::Kind::oversize) == Reason::oversize);
}

TEST_CASE("S9 each kind of unreadable message has its own reason") {
    CHECK(reason_of(sip::ParseError::not_sip) == Reason::not_sip);
    CHECK(reason_of(sip::ParseError::malformed) == Reason::malformed);
    CHECK(reason_of(sip::ParseError::truncated) == Reason::truncated);
    CHECK(reason_of(sip::ParseError::too_many_headers) == Reason::too_many_headers);
}

TEST_CASE("kind and treatment of a flow are the highest that were seen") {
    Noted noted;
    CHECK(noted.note(Reason::keep_alive).kind == FlowKind::keep_alive);
    CHECK(noted.note(Reason::media).kind == FlowKind::other);
    CHECK(noted.note(Reason::not_sip).treatment == FlowTreatment::unmodified);
    CHECK(noted.note(Reason::malformed).kind == FlowKind::sip);
    CHECK(noted.note(Reason::limit_reached).treatment == FlowTreatment::followed);
    CHECK(noted.note(Reason::rewritten).treatment == FlowTreatment::rewritten);
    const FlowEntry& last = noted.note(Reason::keep_alive);
    CHECK(last.kind == FlowKind::sip);
    CHECK(last.treatment == FlowTreatment::rewritten);
    CHECK(last.configured);
    CHECK(last.outward == 7);
}

TEST_CASE("N4 the server name in a ClientHello of TLS or DTLS is noted") {
    Noted stream(Transport::tcp);
    CHECK(stream.note(Reason::tls, tls_records(hello_body(server_name("sip.example.com")))).server_name ==
          "sip.example.com");
    const FlowEntry& later = stream.note(Reason::tls, "\x17\x03\x03");
    CHECK(later.kind == FlowKind::tls);
    CHECK(later.server_name == "sip.example.com");
    Noted datagrams;
    const FlowEntry& flow =
        datagrams.note(Reason::tls, dtls_records(hello_body(server_name("sip.example.com"), true)));
    CHECK(flow.kind == FlowKind::dtls);
    CHECK(flow.server_name == "sip.example.com");
}
