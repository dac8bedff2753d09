#include "nft/transaction.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/nft/messages.hpp"

using namespace sipalg;
using namespace sipalg::nft;

namespace {

using Op = Change::Op;
using Lines = std::vector<std::string>;

Endpoint at(const char* text) {
    return *Endpoint::parse(text);
}

// a: 10.0.0.1:1 <-> 192.0.2.1:1, b: another public port, c: another inside port
const Mapping a{Transport::udp, at("10.0.0.1:1"), at("192.0.2.1:1")};
const Mapping b{Transport::udp, at("10.0.0.1:1"), at("192.0.2.1:2")};
const Mapping c{Transport::udp, at("10.0.0.1:3"), at("192.0.2.1:1")};
const Pinhole pinhole{Transport::udp, *Address::parse("192.0.2.9"), at("192.0.2.1:1")};

const std::string in1 = "mappings_in 11000000c000020100010000", in2 = "mappings_in 11000000c000020100020000";
const std::string out1 = "mappings_out 110000000a00000100010000",
                  out3 = "mappings_out 110000000a00000100030000";
const std::string inside1 = " : 0a00000100010000", inside3 = " : 0a00000100030000";
const std::string public1 = " : c000020100010000", public2 = " : c000020100020000";
const std::string hole = "pinholes 11000000c0000209c000020100010000";

Lines fast(std::vector<Change> changes, Removal removal) {
    Batch batch;
    const std::string table = "t";
    append_changes(batch, table, changes, removal);
    return test::element_lines(batch.seal(1, true));
}

MapContents holding(std::initializer_list<Mapping> mappings) {
    MapContents maps;
    for (const Mapping& mapping : mappings) {
        const Entries entries = entries_of(mapping);
        (mapping.interface.empty() ? maps.out : maps.via)[entries.entry[0].key] = entries.entry[0].data;
        maps.in[entries.entry[1].key] = entries.entry[1].data;
    }
    return maps;
}

Lines careful(std::vector<Change> changes, const MapContents& maps) {
    Batch batch;
    const std::string table = "t";
    append_carefully(batch, table, changes, maps);
    return test::element_lines(batch.seal(1, true));
}

}  // namespace

TEST_CASE("an addition is refused if the element exists, so that its own timeout counts") {
    CHECK(fast({{Op::add, a, Seconds{60}}, {Op::add, pinhole, Seconds{7}}}, Removal::destroy) ==
          Lines{"create " + in1 + inside1 + " 60000ms", "create " + out1 + public1 + " 60000ms",
                "create " + hole + " 7000ms"});
}

TEST_CASE("P2 the elements of a set share a message, whatever the order of the changes") {
    Batch batch;
    const std::string table = "t";
    std::vector<Change> changes;
    for (std::uint16_t port = 1; port <= 20; ++port) {
        Mapping mapping = a;
        mapping.inside.port = mapping.outside.port = port;
        Pinhole other = pinhole;
        other.outside.port = port;
        changes.push_back({Op::add, mapping, Seconds{60}});
        changes.push_back({Op::remove, other, {}});
    }
    append_changes(batch, table, changes, Removal::destroy);
    const auto bytes = batch.seal(1, true);
    CHECK(test::element_lines(bytes).size() == 60);
    const auto sent = test::messages(bytes);
    CHECK(std::count_if(sent.begin(), sent.end(), [](const test::Message& message) {
              return message.type >> 8 == NFNL_SUBSYS_NFTABLES;
          }) == 3);
}

TEST_CASE("P4 several changes of a key: the first tells what may be there, the last what remains") {
    Mapping moved = c;
    moved.inside.port = 5;
    const std::string out5 = "mappings_out 110000000a00000100050000", inside5 = " : 0a00000100050000";
    // The public port of a mapping that ends is given to another one, twice.
    CHECK(fast({{Op::remove, a, {}},
                {Op::add, c, Seconds{60}},
                {Op::remove, c, {}},
                {Op::add, moved, Seconds{70}}},
               Removal::destroy) ==
          Lines{"ensure " + in1 + inside1 + " 1000ms", "ensure " + out1 + public1 + " 1000ms",
                "ensure " + out3 + public1 + " 1000ms", "remove " + in1, "remove " + out1, "remove " + out3,
                "create " + in1 + inside5 + " 70000ms", "create " + out5 + public1 + " 70000ms"});
    CHECK(fast({{Op::add, pinhole, Seconds{5}}, {Op::renew, pinhole, Seconds{6}}}, Removal::destroy) ==
          Lines{"create " + hole + " 6000ms"});
    // Of a record that two messages change, the last bytes remain.
    const Record first{7, 2, "one"}, last{7, 2, "two"};
    CHECK(fast({{Op::add, first, Seconds{5}}, {Op::renew, last, Seconds{6}}}, Removal::destroy) ==
          fast({{Op::add, last, Seconds{6}}}, Removal::destroy));
    // What is removed at the end is absent, even if the daemon did not know that it existed.
    CHECK(fast({{Op::add, pinhole, Seconds{5}}, {Op::remove, pinhole, {}}}, Removal::destroy) ==
          Lines{"destroy " + hole});
    CHECK(fast({{Op::remove, pinhole, {}}, {Op::add, pinhole, Seconds{5}}}, Removal::ensure_and_remove) ==
          Lines{"ensure " + hole + " 1000ms", "remove " + hole, "create " + hole + " 5000ms"});
}

TEST_CASE("removal and renewal work whether or not the element has expired") {
    CHECK(fast({{Op::remove, pinhole, {}}}, Removal::destroy) == Lines{"destroy " + hole});
    CHECK(fast({{Op::remove, pinhole, {}}}, Removal::ensure_and_remove) ==
          Lines{"ensure " + hole + " 1000ms", "remove " + hole});
    CHECK(fast({{Op::renew, pinhole, Seconds{9}}}, Removal::destroy) ==
          Lines{"destroy " + hole, "create " + hole + " 9000ms"});
    CHECK(fast({{Op::renew, pinhole, Seconds{9}}}, Removal::ensure_and_remove) ==
          Lines{"ensure " + hole + " 1000ms", "remove " + hole, "create " + hole + " 9000ms"});
}

TEST_CASE("a mapping is removed only with its own data") {
    const Lines guarded{"ensure " + in1 + inside1 + " 1000ms", "ensure " + out1 + public1 + " 1000ms",
                        "remove " + in1, "remove " + out1};
    CHECK(fast({{Op::remove, a, {}}}, Removal::destroy) == guarded);
    CHECK(fast({{Op::remove, a, {}}}, Removal::ensure_and_remove) == guarded);
}

TEST_CASE("careful: without a conflict") {
    CHECK(careful({{Op::add, a, Seconds{60}}}, {}) ==
          Lines{"create " + in1 + inside1 + " 60000ms", "create " + out1 + public1 + " 60000ms"});
    CHECK(careful({{Op::remove, a, {}}}, {}).empty());
}

TEST_CASE("careful: another mapping of the same inside endpoint is removed with both halves") {
    CHECK(careful({{Op::renew, b, Seconds{60}}}, holding({a})) ==
          Lines{"ensure " + in1 + inside1 + " 1000ms", "ensure " + out1 + public1 + " 1000ms",
                "remove " + in1, "remove " + out1, "create " + in2 + inside1 + " 60000ms",
                "create " + out1 + public2 + " 60000ms"});
}

TEST_CASE("careful: another mapping of the same public endpoint is removed with both halves") {
    const Lines lines = careful({{Op::add, c, Seconds{60}}}, holding({a}));
    CHECK(lines == Lines{"ensure " + out1 + public1 + " 1000ms", "ensure " + in1 + inside1 + " 1000ms",
                         "remove " + out1, "remove " + in1, "create " + in1 + inside3 + " 60000ms",
                         "create " + out3 + public1 + " 60000ms"});
}

TEST_CASE("careful: an uplink's mapping that loses its public endpoint is removed with both halves") {
    Mapping of_uplink = a;
    of_uplink.interface = InterfaceName("wan2");
    const std::string via1 = "mappings_via 110000000a0000010001000077616e32" + std::string(24, '0');
    CHECK(careful({{Op::add, c, Seconds{60}}}, holding({of_uplink})) ==
          Lines{"ensure " + via1 + public1 + " 1000ms", "ensure " + in1 + inside1 + " 1000ms",
                "remove " + via1, "remove " + in1, "create " + in1 + inside3 + " 60000ms",
                "create " + out3 + public1 + " 60000ms"});
}

TEST_CASE("N1: mappings of one inside endpoint at two uplinks exist beside each other") {
    Mapping first = a, second{Transport::udp, a.inside, at("198.51.100.1:1")};
    first.interface = InterfaceName("wan");
    second.interface = InterfaceName("wan2");
    const Lines lines = careful({{Op::renew, second, Seconds{60}}}, holding({first}));
    CHECK(lines.size() == 2);
    CHECK(std::all_of(lines.begin(), lines.end(),
                      [](const std::string& line) { return line.starts_with("create "); }));
}

TEST_CASE("careful: the remaining half of a mapping is removed, and no entry of another mapping") {
    MapContents half = holding({a});
    half.in.clear();
    CHECK(careful({{Op::remove, a, {}}}, half) ==
          Lines{"ensure " + out1 + public1 + " 1000ms", "remove " + out1});
    CHECK(careful({{Op::remove, a, {}}}, holding({b})).empty());
}

TEST_CASE("careful: the last of several changes of an element counts") {
    CHECK(careful({{Op::add, a, Seconds{60}}, {Op::remove, a, {}}}, {}).empty());
    CHECK(careful({{Op::add, a, Seconds{60}}, {Op::renew, a, Seconds{70}}}, {}) ==
          Lines{"create " + in1 + inside1 + " 70000ms", "create " + out1 + public1 + " 70000ms"});
    CHECK(
        careful({{Op::remove, a, {}}, {Op::remove, a, {}}, {Op::add, b, Seconds{60}}}, holding({a})).size() ==
        6);
    CHECK(careful({{Op::add, pinhole, Seconds{5}}, {Op::add, pinhole, Seconds{6}}}, {}) ==
          Lines{"ensure " + hole + " 1000ms", "remove " + hole, "create " + hole + " 6000ms"});
}

TEST_CASE("X8 changes that the kernel cannot store are refused before they are sent") {
    const std::vector<Change> removal{{Op::remove, a, {}}};
    CHECK(validate(removal));
    for (const Op op : {Op::add, Op::renew}) {
        const std::vector<Change> timeless{{op, a, {}}};
        CHECK_FALSE(validate(timeless));
    }
    const std::vector<Change> six{
        {Op::remove, Mapping{Transport::udp, at("[2001:db8::2]:5060"), at("[2001:db8::1]:5060")}, {}}};
    CHECK_FALSE(validate(six));
}
