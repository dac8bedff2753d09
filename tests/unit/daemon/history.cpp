#include "alg/daemon/run/history.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "alg/daemon/control/json.hpp"
#include "alg/daemon/run/history_record.hpp"

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

std::vector<Event> end_of(const std::string& call_id, std::vector<EndedMedia> media = {}) {
    EndedCall call;
    call.call_id = call_id;
    call.from = "sip:0301234567@p.test";
    call.phone = *Address::parse("192.168.1.10");
    call.peer = *Address::parse("203.0.113.10");
    call.started = Time{100'000};
    call.answered = Time{104'000};
    call.ended = Time{110'000};
    call.why = EndReason::silence;
    call.media = std::move(media);
    Event event{Event::Kind::call_ended, call_id, "silence"};
    event.ended = std::move(call);
    return {event, {Event::Kind::registered, "sip:a@b", "no call"}};
}

}  // namespace

TEST_CASE("O9 the history keeps the latest calls, and counts all") {
    History history;
    history.keep(2);
    for (const char* id : {"a", "b", "c"})
        history.take(end_of(id), false);
    REQUIRE(history.rows().size() == 2);
    CHECK(history.rows().front().call.call_id == "b");
    CHECK(history.ended()[static_cast<std::size_t>(EndReason::silence)] == 3);
    history.keep(0);
    CHECK(history.rows().empty());
    history.take(end_of("d"), false);
    CHECK(history.rows().empty());
    CHECK(history.ended()[static_cast<std::size_t>(EndReason::silence)] == 4);
}

TEST_CASE("O9 X7 a call takes bounded room in the history") {
    History history;
    history.take(end_of(std::string(2000, 'x'), std::vector<EndedMedia>(32)), true);
    CHECK(history.rows().front().call.call_id.size() == History::longest_call_id);
    CHECK(history.rows().front().call.media.size() == History::most_media);
    CHECK(history.rows().front().observed);
    CHECK(history.ended()[static_cast<std::size_t>(EndReason::silence)] == 0);
}

TEST_CASE("O9 with mask-numbers the history has no whole telephone number") {
    History history;
    history.mask_numbers(true);
    history.take(end_of("a"), false);
    CHECK(history.rows().front().call.from == "sip:0301234xxx@p.test");
}

TEST_CASE("O9 an ended call as JSON: the latest first, with the side whose media were seen") {
    History history;
    history.take(end_of("a", {{"audio", EndedMedia::Known::packets, 300, 0}}), false);
    history.take(end_of("b"), false);
    const ClockPair clocks{Time(110'000),
                           std::chrono::system_clock::time_point(std::chrono::seconds(86'410))};
    const Json rows = to_json(history, clocks);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0]["call_id"] == "b");
    CHECK(rows[0]["media_from"].is_null());
    CHECK(rows[1] == Json::parse(R"({"call_id":"a","state":"ended","direction":"in",
        "from":"sip:0301234567@p.test","to":"","phone":"192.168.1.10","peer":"203.0.113.10",
        "started":"1970-01-02T00:00:00Z","answered":"1970-01-02T00:00:04Z","ended":"1970-01-02T00:00:10Z",
        "duration_s":6,"reason":"silence","why":"silence","media_from":"phone",
        "media":[{"type":"audio","packets_from_phone":300,"packets_from_peer":0}],"observed":false})"));
}

TEST_CASE("O5 O9 media of which conntrack knows only that there were some") {
    EndedCall call;
    CHECK(media_from(call) == "");
    call.media = {{"audio", EndedMedia::Known::presence, 1, 1}};
    CHECK(media_from(call) == "both");
    call.media = {{"audio", EndedMedia::Known::presence, 0, 1}};
    CHECK(media_from(call) == "peer");
    call.media = {{"audio", EndedMedia::Known::presence, 0, 0}};
    CHECK(media_from(call) == "none");
    call.media = {{"audio", EndedMedia::Known::nothing, 0, 0}};
    CHECK(media_from(call) == "");
}

TEST_CASE("A5 O9 the history is restored as it was, and its calls are not counted again") {
    History before;
    before.take(end_of("a", {{"audio", EndedMedia::Known::packets, 300, 0}}), false);
    before.take(end_of("b"), true);
    const std::string bytes = write_history(before);
    CHECK(write_history(History()).empty());

    History after;
    REQUIRE(read_history(bytes, after));
    REQUIRE(after.rows().size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(after.rows()[i].call == before.rows()[i].call);
        CHECK(after.rows()[i].observed == before.rows()[i].observed);
    }
    CHECK(after.ended()[static_cast<std::size_t>(EndReason::silence)] == 0);

    History smaller;
    smaller.keep(1);
    smaller.mask_numbers(true);
    REQUIRE(read_history(bytes, smaller));
    REQUIRE(smaller.rows().size() == 1);
    CHECK(smaller.rows()[0].call.call_id == "b");
    CHECK(smaller.rows()[0].call.from == "sip:0301234xxx@p.test");
}

TEST_CASE("A5 O9 a damaged history, or one of another version, is refused as a whole") {
    History before;
    before.take(end_of("a", std::vector<EndedMedia>(3)), false);
    const std::string bytes = write_history(before);
    const auto error = [](const std::string& changed) {
        History after;
        const auto read = read_history(changed, after);
        CHECK(after.rows().empty());
        return read ? "" : read.error();
    };
    for (std::size_t length = 2; length < bytes.size(); ++length)
        CHECK(error(bytes.substr(0, length)) == "it is damaged");
    CHECK(error(bytes + "x") == "it is damaged");
    std::string newer = bytes;
    newer[0] = 2;
    CHECK(error(newer) == "it is of another version of sipalgd");
    std::string many = bytes;
    many.replace(2, 4, 4, '\xff');
    CHECK(error(many) == "it is damaged");
}
