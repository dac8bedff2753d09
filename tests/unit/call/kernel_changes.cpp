// What a call costs the kernel: transactions and operations on elements.
#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "alg/policy/timing.hpp"
#include "tests/unit/call/long_call.hpp"

namespace sipalg {

namespace {

// The operations of one transaction, for example "mappings +6, records +2"; empty: no transaction. A
// mapping is an element in each of two maps, and to renew an element is to delete it and to add it.
std::string operations(const Decision& decision) {
    struct Kind {
        const char* name;
        int added = 0, deleted = 0;
    };
    Kind kinds[] = {{"mappings"}, {"pinholes"}, {"records"}};
    for (const Change& change : decision.changes) {
        const bool mapping = std::holds_alternative<Mapping>(change.element);
        Kind& kind = kinds[mapping ? 0 : std::holds_alternative<Pinhole>(change.element) ? 1 : 2];
        if (change.op != Change::Op::remove) kind.added += mapping ? 2 : 1;
        if (change.op != Change::Op::add) kind.deleted += mapping ? 2 : 1;
    }
    std::string text;
    for (const Kind& kind : kinds) {
        if (kind.added + kind.deleted == 0) continue;
        text += (text.empty() ? "" : ", ") + std::string(kind.name);
        if (kind.added) text += " +" + std::to_string(kind.added);
        if (kind.deleted) text += " -" + std::to_string(kind.deleted);
    }
    return text;
}

struct CountedCall : test::LongCall {
    std::string request(const char* method, const std::string& number, bool described) {
        say(Side::inside, std::string(method) + " sip:b@p.test SIP/2.0", number + " " + method, described);
        return operations(decision);
    }
    std::string response(const char* status, const std::string& cseq, bool described) {
        say(Side::outside, std::string("SIP/2.0 ") + status, cseq, described);
        return operations(decision);
    }
};

}  // namespace

TEST_CASE("P2 A5 a call changes the kernel when it begins, when it is answered and when it ends") {
    CountedCall call;
    CHECK(call.request("INVITE", "1000", true) == "mappings +6, records +1");
    CHECK(call.response("100 Trying", "1000 INVITE", false) == "pinholes +3, records +1 -1");  // X11
    CHECK(call.response("180 Ringing", "1000 INVITE", false) == "");
    CHECK(call.response("180 Ringing", "1000 INVITE", false) == "");
    CHECK(call.response("200 OK", "1000 INVITE", true) == "records +2 -1");
    CHECK(call.request("ACK", "1000", false) == "");
    CHECK(call.request("BYE", "1001", false) == "");
    // The mappings of media stay for the next call with the same ports.
    CHECK(call.response("200 OK", "1001 BYE", false) == "pinholes -3, records -2");
    call.call_id = "next";
    CHECK(call.request("INVITE", "2000", true) == "pinholes +3");
    CHECK(call.response("200 OK", "2000 INVITE", true) == "records +2");
    CHECK(call.response("200 OK", "2001 BYE", false) == "pinholes -3, records -2");
}

TEST_CASE("P2 A5 a call to a proven peer has no record of its own until it is answered") {
    CountedCall call;
    call.response("200 OK", "1 OPTIONS", false);
    // The record is in the notes of the pinholes, which end with the call.
    CHECK(call.request("INVITE", "1000", true) == "mappings +6, pinholes +3");
    CHECK(call.response("100 Trying", "1000 INVITE", false) == "");
    CHECK(call.response("180 Ringing", "1000 INVITE", false) == "");
    CHECK(call.response("486 Busy Here", "1000 INVITE", false) == "pinholes -3");
}

TEST_CASE("A5 P2 a ringing call is written again when its time or its dialog changes") {
    CountedCall call;
    call.response("200 OK", "1 OPTIONS", false);
    call.request("INVITE", "1000", true);
    const auto restored = [&](RecordState records) {
        State state{Policy{}};
        test::TableKernel kernel = call.kernel;
        if (records == RecordState::latest) {
            kernel = {};
            kernel.apply(call.state.elements(call.now, records), call.now);
        }
        const std::vector<Change> changes = state.restore(
            kernel.read(call.now), [](const Address& a) { return a; }, call.now);
        const call::Call* found = state.calls.find("long", Address::v4(0xC0A80114));
        REQUIRE(found);
        return *found;
    };
    const Time begun = call.now;
    call.now += Seconds{3};
    CHECK(call.response("180 Ringing", "1000 INVITE", false) == "");
    CHECK(restored(RecordState::in_kernel).ringing_until == begun + ringing_time);
    CHECK(restored(RecordState::in_kernel).state == call::Call::State::offered);
    // A clean stop writes all of it.
    CHECK(restored(RecordState::latest).ringing_until == begun + ringing_time);
    CHECK(restored(RecordState::latest).state == call::Call::State::early);
    call.now = begun + ringing_step;
    CHECK(call.response("180 Ringing", "1000 INVITE", false) == "records +1");
    CHECK(restored(RecordState::in_kernel).ringing_until == call.now + ringing_time);
    CHECK(restored(RecordState::in_kernel).state == call::Call::State::early);
    // The PRACK that follows needs its dialog.
    call.say(Side::outside, "SIP/2.0 180 Ringing\r\nRequire: 100rel\r\nRSeq: 1", "1000 INVITE", false, "c");
    CHECK(operations(call.decision) != "");
    CHECK(restored(RecordState::in_kernel).dialogs.size() == 2);
}

TEST_CASE("A5 P2 a refused call leaves no record in the kernel, also where others use its pinholes") {
    CountedCall call;
    call.response("200 OK", "1 OPTIONS", false);
    call.request("INVITE", "1000", true);
    // Another call uses the same media endpoint, so its pinholes, with the note, stay.
    call.call_id = "other";
    CHECK(call.request("INVITE", "2000", true) == "records +1");
    call.call_id = "long";
    CHECK(call.response("486 Busy Here", "1000 INVITE", false) == "pinholes +1 -1");
    State restored{Policy{}};
    const std::vector<Change> changes = restored.restore(
        call.kernel.read(call.now), [](const Address& a) { return a; }, call.now);
    CHECK(restored.calls.all().size() == 1);
    CHECK(restored.calls.find("other", Address::v4(0xC0A80114)));
}

TEST_CASE("A5 X11 an INVITE without an answer is restored from the notes of its pinholes") {
    CountedCall call;
    call.response("200 OK", "1 OPTIONS", false);
    call.request("INVITE", "1000", true);
    for (const auto& [element, until] : call.kernel.elements())
        CHECK_FALSE(std::holds_alternative<Record>(element));
    CountedCall next;
    next.now = call.now + Seconds{3};
    next.kernel = call.kernel;
    const std::vector<Change> changes = next.state.restore(
        call.kernel.read(next.now), [](const Address& a) { return a; }, next.now);
    next.kernel.apply(changes, next.now);
    REQUIRE(next.state.calls.all().size() == 1);
    CHECK(next.state.elements(next.now).size() == call.state.elements(call.now).size());
    CHECK(next.response("200 OK", "1000 INVITE", true) == "records +2");
    CHECK(next.response("200 OK", "1000 INVITE", true) == "");
    CHECK(next.request("BYE", "1001", false) == "");
    CHECK(next.response("200 OK", "1001 BYE", false) == "pinholes -3, records -2");
}

TEST_CASE("P5 A5 a call is restored without a change in the kernel, and renewed in time") {
    CountedCall call;
    call.request("INVITE", "1000", true);
    call.response("200 OK", "1000 INVITE", true);
    // Its elements have the timeouts of a ringing call until it is renewed for the first time.
    call.pass(Seconds{50});
    State state{Policy{}};
    Decision decision;
    decision.changes = state.restore(
        call.kernel.read(call.now), [](const Address& a) { return a; }, call.now);
    CHECK(operations(decision) == "");
    const auto due = state.next_deadline();
    REQUIRE(due);
    CHECK(*due <= call.now + (ringing_time - Seconds{50}) / 2);
    expire(state, *due, decision);
    CHECK(operations(decision) == "mappings +6 -6, pinholes +3 -3, records +2 -2");
}

TEST_CASE("A5 an INVITE without translation costs one element") {
    CountedCall call;
    call.egress = {Address::v4(0xC0A80114), Address::v4(0xC0A80114)};
    CHECK(call.request("INVITE", "1000", true) == "records +1");
    CHECK(call.response("100 Trying", "1000 INVITE", false) == "pinholes +3, records +1 -1");
}

}  // namespace sipalg
