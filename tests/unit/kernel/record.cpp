#include "alg/kernel/record.hpp"

#include <doctest/doctest.h>

#include <random>

#include "alg/call/call_record.hpp"

namespace sipalg::call {

namespace {

std::string kinds(const std::vector<Change>& changes) {
    std::string text;
    for (const Change& change : changes) {
        const Record& record = std::get<Record>(change.element);
        CHECK(record.id == 7);
        CHECK(record.bytes.size() <= Record::max_bytes);
        text += std::to_string(record.part);
        text += change.op == Change::Op::add ? 'a' : change.op == Change::Op::renew ? 'r' : 'x';
    }
    return text;
}

std::string stored(const std::string& before, const std::string& after, bool renew = false) {
    std::vector<Change> changes;
    store_record(7, before, {after}, renew, Seconds{60}, changes);
    return kinds(changes);
}

Session session(int seed) {
    Session streams;
    for (int i = 0; i < seed % 4; ++i) {
        Stream s;
        s.type = "audio";
        s.transport = i % 2 ? Transport::tcp : Transport::udp;
        s.rtp = {Address::v4(0xC0A8010A), static_cast<std::uint16_t>(16000 + i)};
        if (i % 2) s.rtcp = {*Address::parse("2001:db8::1"), 16001};
        if (i % 2) s.further = {{{Transport::tcp, {Address::v4(0xC0A8010A), 2855}}, true}};
        s.line = static_cast<std::uint8_t>(i);
        s.bundled = seed % 2 != 0;
        s.on_hold = seed & 1;
        s.rejected = seed & 2;
        s.one_way = seed & 4;
        s.rtcp_mux = seed & 8;
        s.hairpin = seed & 16;
        streams.push_back(s);
    }
    return streams;
}

Call call(int seed) {
    Call c;
    c.state = static_cast<Call::State>(seed % 3);
    c.caller = seed % 2 ? Side::outside : Side::inside;
    c.caller_tag = "tag" + std::to_string(seed);
    c.from = "sip:a@b";
    c.to = std::string(static_cast<std::size_t>(seed), 'x');
    c.egress = {Address::v4(1), Address::v4(2)};
    c.contact = {Transport::udp, {Address::v4(3), 5060}};
    c.peers = {{Address::v4(4), true, seed % 2 == 1}, {Address::v4(5)}};
    c.invite = {7, true, {{"z9hG4bK1", true}, {"", false}}};
    if (seed % 3) c.initial = Offer{Side::outside, sip::Method::invite, 7, session(seed)};
    for (int i = 0; i < seed % 5; ++i) {
        Dialog d;
        d.local_tag = "l" + std::to_string(i);
        d.remote_tag = "r";
        d.state = static_cast<Dialog::State>(i % 3);
        if (i % 2) d.local = session(seed + i);
        d.remote = session(i);
        d.renegotiated = i == 2;
        if (i % 3) d.invites[Side::outside] = Invite{3, i == 1, {{"z9hG4bKr", i == 2}}, i == 2};
        if (i % 2) d.offers[Side::inside] = Offer{Side::inside, sip::Method::update, 9, session(3)};
        if (i % 3) d.offers[Side::outside] = Offer{Side::outside, sip::Method::invite, 8, session(2), true};
        c.dialogs.push_back(d);
    }
    c.started = Time{1};
    c.ringing_until = Time{1LL << 40};
    c.forks_until = Time{3};
    return c;
}

}  // namespace

TEST_CASE("A5 a record is split into pieces that fit the kernel, and only changed pieces are sent") {
    const std::string one(100, 'a'), two(400, 'b'), three(481, 'b');
    CHECK(stored("", one) == "0a");
    CHECK(stored("", two) == "0a1a");
    CHECK(stored(two, three) == "1r2a");
    CHECK(stored(three, two) == "1r2x");
    CHECK(stored(two, two).empty());
    CHECK(stored(two, two, true) == "0r1r");
    CHECK(stored(two, "") == "0x1x");
    CHECK(stored("", "").empty());
    CHECK(stored("", std::string(Record::max_bytes, 'c')) == "0a");
}

TEST_CASE("A5 C6 a BYE without a final answer is not in the record") {
    const CallKey key{"call", Address::v4(1)};
    Call answered = call(23);
    answered.dialogs.resize(1);
    answered.dialogs[0].cseqs[Side::inside] = 4;
    const std::string before = write_record(key, answered);
    answered.dialogs[0].byes[Side::inside] = Bye{9, Time{1'000'000}};
    CHECK(write_record(key, answered) == before);
}

TEST_CASE("A5 fields are read as they were written") {
    RecordWriter out;
    out.number(0xDEADBEEF, 4);
    out.text("");
    out.text(std::string("a\0b", 3));
    out.endpoint({*Address::parse("2001:db8::1"), 65535});
    out.address(Address{});
    const std::string bytes = out.take();
    RecordReader in(bytes);
    CHECK(in.number(4) == 0xDEADBEEF);
    CHECK(in.text().empty());
    CHECK(in.text() == std::string("a\0b", 3));
    CHECK(in.endpoint() == Endpoint{*Address::parse("2001:db8::1"), 65535});
    CHECK(in.address() == Address{});
    CHECK(in.ok());
    CHECK(in.at_end());
    CHECK(in.number(1) == 0);
    CHECK_FALSE(in.ok());
}

TEST_CASE("A5 all kinds of calls are read as they were written") {
    for (int seed = 0; seed < 64; ++seed) {
        const CallKey key{"call@" + std::to_string(seed), Address::v4(0xC0A8010A)};
        const Call before = call(seed);
        const std::string bytes = write_record(key, before);
        CallKey key_after;
        Call after;
        REQUIRE(read_record(bytes, key_after, after));
        CHECK(key_after == key);
        CHECK(after.dialogs == before.dialogs);
        CHECK(after.invite == before.invite);
        CHECK(after.initial == before.initial);
        CHECK(after.peers == before.peers);
        CHECK(after.contact == before.contact);
        CHECK(after.to == before.to);
        CHECK(write_record(key_after, after) == bytes);
    }
}

// A table moves with its elements' remaining timeouts to another router, or to one that has started again.
TEST_CASE("A5 the clock record tells the clock of the writer") {
    const Time written{50'000'000};
    const Change change = clock_record(Change::Op::add, written);
    CHECK(change.timeout == clock_lifetime);
    const Record other{7, 0, "x"};
    for (const Time ahead : {Time{100'000'000}, Time{-5'000'000}, Time{0}}) {
        const std::vector<StoredElement> elements{{change.element, clock_lifetime - Seconds{600}},
                                                  {other, Seconds{30}}};
        const Time now = written + Seconds{600} + ahead;
        CHECK(has_clock(elements));
        CHECK(clock_difference(elements, now) == ahead);
        CHECK(clock_difference(elements, now + Time{999}) == (ahead == Time{0} ? ahead : ahead + Time{999}));
        const auto records = stored_records(elements, now);
        REQUIRE(records.size() == 1);
        CHECK(records[0].id == 7);
        CHECK(records[0].clock == ahead);
    }
    CHECK_FALSE(has_clock(std::vector<StoredElement>{{other, Seconds{30}}}));
    CHECK(clock_difference(std::vector<StoredElement>{{other, Seconds{30}}}, written) == Time{0});
}

TEST_CASE("A5 deadlines in a record of another clock are the same time away") {
    for (const Time ahead : {Time{100'000'000}, Time{-5'000'000}}) {
        const CallKey key{"call", Address::v4(1)};
        Call before = call(23);
        before.started = before.ringing_until = Time{50'000'000};
        before.forks_until = Time{0};  // none
        CallKey k;
        Call after;
        REQUIRE(read_record(write_record(key, before), k, after, ahead));
        CHECK(after.started == before.started + ahead);
        CHECK(after.ringing_until == before.ringing_until + ahead);
        CHECK(after.forks_until == Time{0});
    }
}

TEST_CASE("A5 a record that is truncated, too long or of another layout is refused") {
    const CallKey key{"call", Address::v4(1)};
    const std::string whole = write_record(key, call(23));
    CallKey k;
    for (std::size_t length = 0; length < whole.size(); ++length) {
        Call c;
        REQUIRE_FALSE(read_record(whole.substr(0, length), k, c));
    }
    Call c;
    CHECK_FALSE(read_record(whole + "x", k, c));
    CHECK_FALSE(read_record("\xc1" + whole.substr(1), k, c));
    std::mt19937 random(3);
    for (int i = 0; i < 20000; ++i) {
        std::string broken = whole;
        for (int n = 0; n < 3; ++n)
            broken[1 + random() % (broken.size() - 1)] = static_cast<char>(random());
        Call other;
        if (read_record(broken, k, other)) {
            CHECK(other.dialogs.size() <= max_dialogs);
            CHECK(other.peers.size() <= max_peers);
        }
    }
}

TEST_CASE("A5 a record is in the notes of pinholes only if they have all of it, and no pieces are newer") {
    const std::string bytes(300, 'r');
    const auto pinhole = [](std::uint16_t port) {
        const Endpoint outside{Address::v4(0xCB007101), port};
        return Change{Change::Op::add, Pinhole{Transport::udp, Address::v4(0xCB00710B), outside},
                      Seconds{60}};
    };
    Change first = pinhole(4000), second = pinhole(4001);
    CHECK_FALSE(put_into_notes(7, bytes, std::vector<Change*>{&first}));
    CHECK(first.note.empty());
    REQUIRE(put_into_notes(7, bytes, std::vector<Change*>{&first, &second}));
    CHECK(first.note.size() <= Record::max_bytes);
    CHECK(id_in_note(first.note) == 7);
    CHECK(id_in_note("abc") == 0);
    const auto stored = [](const Change& change) {
        return StoredElement{change.element, change.timeout, change.note};
    };
    std::vector<StoredElement> elements{stored(second), stored(first)};
    auto found = stored_records(elements, Time{1000});
    REQUIRE(found.size() == 1);
    CHECK(found[0].bytes == bytes);
    CHECK(found[0].in_notes);
    CHECK(found[0].until == Time{61'000});
    std::vector<Change> removals;
    found[0].remove(removals);
    CHECK(removals.empty());

    elements.push_back({Record{7, 0, "newer"}, Seconds{60}});
    found = stored_records(elements, Time{1000});
    REQUIRE(found.size() == 1);
    CHECK(found[0].bytes == "newer");
    CHECK_FALSE(found[0].in_notes);

    elements = {stored(first)};
    CHECK(stored_records(elements, Time{1000}).empty());
}

TEST_CASE("A5 fields are in little-endian order, and need no room in advance") {
    for (const std::size_t expected : {0U, 1U, 512U}) {
        RecordWriter out(expected);
        out.number(0x1122334455667788, 8);
        out.number(0x1122334455667788, 3);
        out.text(std::string(70'000, 'x'));
        out.bytes("");
        out.endpoint({Address::v4(0xC0A8010A), 5060});
        out.address({});
        out.endpoint({*Address::parse("2001:db8::1"), 0xBBAA});
        const std::string written = out.take();
        CHECK(written.substr(0, 13) == "\x88\x77\x66\x55\x44\x33\x22\x11\x88\x77\x66\xFF\xFF");
        CHECK(written.size() == 13 + 65'535 + 7 + 1 + 19);
        CHECK(written.substr(13 + 65'535, 9) == std::string("\x04\xC0\xA8\x01\x0A\xC4\x13\0\x10", 9));
        CHECK(written.substr(written.size() - 2) == "\xAA\xBB");
        CHECK(out.take().empty());
    }
}

TEST_CASE("A5 P2 a record that one message writes twice is written once") {
    std::vector<Change> changes;
    store_record(7, "", {"old"}, false, Seconds{60}, changes);
    store_record(7, "old", {std::string(250, 'n')}, false, Seconds{90}, changes);
    CHECK(kinds(changes) == "0a1a");
    CHECK(std::get<Record>(changes[0].element).bytes == std::string(240, 'n'));
    CHECK(changes[0].timeout == Seconds{90});
    store_record(7, std::string(250, 'n'), {""}, false, Seconds{0}, changes);
    CHECK(kinds(changes) == "0a1a0x1x");
}

}  // namespace sipalg::call
