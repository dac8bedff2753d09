#include "alg/daemon/run/event_log.hpp"

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "tests/unit/daemon/captured_log.hpp"

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

EndedCall ended() {
    EndedCall call;
    call.call_id = "a@b";
    call.started = Time{1'000};
    call.answered = Time{5'000};
    call.ended = Time{197'900};
    call.why = EndReason::silence;
    call.media = {{"audio", EndedMedia::Known::packets, 9600, 1}};
    return call;
}

Event event(Event::Kind kind, const std::string& subject) {
    return {kind, subject, "detail"};
}

}  // namespace

TEST_CASE("O4 the line of an ended call says how long it lasted, the media each way, and why it ended") {
    Event event{Event::Kind::call_ended,         "a@b",  "silence", *Address::parse("192.168.1.10"),
                *Address::parse("203.0.113.10"), ended()};
    const LogLine line = event_line(event);
    CHECK(
        line.text ==
        "call ended: a@b: silence; lasted 3m12s; audio: 9600 packets from the phone, 1 packet from the peer");
    CHECK(line.fields.event == "call_ended");
    CHECK(line.fields.message_id.size() == 32);
    CHECK(line.fields.call_id == "a@b");
    CHECK(line.fields.phone == "192.168.1.10");
    CHECK(line.fields.peer == "203.0.113.10");
    CHECK(line.fields.reason == "silence");
}

TEST_CASE("O4 the summary does not claim media that were not measured") {
    EndedCall call = ended();
    call.media = {{"audio", EndedMedia::Known::nothing, 0, 0}, {"video", EndedMedia::Known::presence, 1, 0}};
    CHECK(summary(call) ==
          "lasted 3m12s; audio: not measured; video: packets from the phone, nothing from the peer");
    call.answered = Time{0};
    call.ended = Time{31'000};
    CHECK(summary(call) == "rang for 30s");
}

TEST_CASE("O4 an event of a registration has no Call-ID") {
    const LogLine line = event_line(event(Event::Kind::registered, "sip:a@b"), "observe only: ");
    CHECK(line.text == "observe only: registered: sip:a@b: detail");
    CHECK(line.fields.call_id.empty());
}

TEST_CASE("O4 each kind of event has a message id of its own") {
    std::set<std::string_view> ids;
    for (std::size_t kind = 0; kind < event_kinds; ++kind)
        ids.insert(event_line(event(static_cast<Event::Kind>(kind), "a")).fields.message_id);
    CHECK(ids.size() == event_kinds);
}

TEST_CASE("O4 a flood of one kind hides no other kind, and the next line says how many it lost") {
    const test::CapturedLog journal;
    EventLog log;
    std::size_t offered = 0, lines = 0;
    const std::vector<Event> flood(300, event(Event::Kind::call_offered, "flood"));
    const std::vector<Event> end{event(Event::Kind::call_ended, "mine")};
    for (const Event& one : flood) {  // one by one, since a socket takes few datagrams
        log.write(std::span(&one, 1), "", Time{1'000'000});
        while (const auto line = journal.next()) {
            ++lines;
            offered += line->find("call offered: flood") != std::string::npos ? 1 : 0;
        }
    }
    CHECK(offered == 200);
    CHECK(lines == 200);
    log.write(end, "", Time{1'000'000});
    const auto mine = journal.next();
    REQUIRE(mine);
    CHECK(mine->starts_with("MESSAGE=call ended: mine"));
    log.write(std::span(flood).first(1), "", Time{1'000'100});
    const auto lost = journal.next();
    REQUIRE(lost);
    CHECK(lost->starts_with("MESSAGE=100 log lines \"call offered\" suppressed"));
}
