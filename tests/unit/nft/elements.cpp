#include "nft/elements.hpp"

#include <doctest/doctest.h>

#include "tests/unit/nft/messages.hpp"

using namespace sipalg;
using namespace sipalg::nft;

namespace {

Endpoint at(const char* text) {
    return *Endpoint::parse(text);
}

const Mapping mapping{Transport::udp, at("192.168.1.2:5060"), at("203.0.113.1:17000")};
const Pinhole pinhole{Transport::tcp, *Address::parse("203.0.113.5"), at("203.0.113.1:17000")};
const Diversion listener{Transport::udp, at("192.168.1.2:5060")};

}  // namespace

TEST_CASE("elements come back from their keys, data and notes") {
    const Entries halves = entries_of(mapping);
    REQUIRE(halves.count == 2);
    CHECK(halves.entry[0].set == set_name::mappings_out);
    CHECK(halves.entry[1].set == set_name::mappings_in);
    CHECK(mapping_of(halves.entry[0].key, halves.entry[0].data) == mapping);
    const auto backwards = mapping_of(halves.entry[1].key, halves.entry[1].data);
    REQUIRE(backwards);
    CHECK(backwards->inside == mapping.outside);
    CHECK(backwards->outside == mapping.inside);

    CHECK(pinhole_of(entries_of(pinhole).entry[0].key) == pinhole);
    CHECK(listener_of(entries_of(listener).entry[0].key) == listener);

    const Pinhole open{Transport::udp, {}, at("203.0.113.1:17000")};
    const Latch latch{Transport::udp, at("203.0.113.1:17002")};
    const LatchedSource learned{Transport::udp, *Address::parse("203.0.113.7"), at("203.0.113.1:17002")};
    const Pinhole pinhole6{Transport::udp, *Address::parse("2001:db8::5"), at("[2001:db8::1]:17000")};
    const Pinhole open6{Transport::udp, {}, pinhole6.outside};
    const Latch latch6{Transport::udp, pinhole6.outside};
    const LatchedSource learned6{Transport::udp, pinhole6.remote, pinhole6.outside};
    const Diversion listener6{Transport::udp, pinhole6.outside};
    for (const Element& element : {Element(open), Element(latch), Element(learned), Element(pinhole6),
                                   Element(open6), Element(latch6), Element(learned6), Element(listener6)}) {
        CHECK_FALSE(objection(element));
        REQUIRE(entries_of(element).count == 1);
    }
    CHECK(entries_of(open).entry[0].set == set_name::pinholes_any);
    CHECK(entries_of(latch).entry[0].set == set_name::latches);
    CHECK(entries_of(learned).entry[0].set == set_name::learned);
    CHECK(pinhole_any_of(entries_of(open).entry[0].key) == open);
    CHECK(latch_of(entries_of(latch).entry[0].key) == latch);
    CHECK(learned_of(entries_of(learned).entry[0].key) == learned);
    CHECK(entries_of(pinhole6).entry[0].set == set_name::pinholes6);
    CHECK(entries_of(open6).entry[0].set == set_name::pinholes6_any);
    CHECK(entries_of(latch6).entry[0].set == set_name::latches6);
    CHECK(entries_of(learned6).entry[0].set == set_name::learned6);
    CHECK(entries_of(listener6).entry[0].set == set_name::listeners6);
    CHECK(pinhole_of(entries_of(pinhole6).entry[0].key) == pinhole6);
    CHECK(pinhole_any_of(entries_of(open6).entry[0].key) == open6);
    CHECK(latch_of(entries_of(latch6).entry[0].key) == latch6);
    CHECK(learned_of(entries_of(learned6).entry[0].key) == learned6);
    CHECK(listener_of(entries_of(listener6).entry[0].key) == listener6);
}

TEST_CASE("record bytes are found among other user data, whatever they are") {
    std::string bytes;
    for (int i = 0; i < 240; ++i)
        bytes += static_cast<char>(i);
    const Record record{0xfffffffe, 3, bytes};
    const Element element = record;
    const Entry entry = entries_of(element).entry[0];

    Batch batch;
    const std::string table = "t";
    ElementWriter(batch, table).put(ElementWriter::Kind::create, entry, Seconds{5});
    const auto sent = test::messages(batch.seal(1, true));
    std::unique_ptr<nftnl_set, void (*)(const nftnl_set*)> set(nftnl_set_alloc(), nftnl_set_free);
    REQUIRE(nftnl_set_elems_nlmsg_parse(sent[1].header, set.get()) >= 0);
    std::string note;
    nftnl_set_elem_foreach(
        set.get(),
        [](nftnl_set_elem* seen, void* data) {
            *static_cast<std::string*>(data) = test::bytes_of(seen, NFTNL_SET_ELEM_USERDATA);
            return 0;
        },
        &note);
    CHECK(note.size() <= 256);  // what the kernel takes
    CHECK(record_of(entry.key, note) == record);
    CHECK(record_of(entry.key, std::string("\0\3hi\0", 5) + note) == record);  // behind a comment of nft's
    CHECK(record_of(entry.key, "") == std::nullopt);
    CHECK(record_of(entry.key, note.substr(0, 100)) == std::nullopt);
    CHECK(record_of(entry.key, std::string("\0\3hi\0", 5)) == std::nullopt);
    CHECK(record_of(entries_of(listener).entry[0].key, note) == std::nullopt);
}

TEST_CASE("values of other sizes or protocols are not ours") {
    Value key = entries_of(listener).entry[0].key;
    CHECK(pinhole_of(key) == std::nullopt);
    CHECK(mapping_of(key, {}) == std::nullopt);
    key.bytes[0] = 1;
    CHECK(listener_of(key) == std::nullopt);
}

TEST_CASE("what can't be an element is named") {
    CHECK(objection(mapping) == std::nullopt);
    CHECK(objection(pinhole) == std::nullopt);
    CHECK(objection(listener) == std::nullopt);
    CHECK(objection(Record{1, 1, std::string(240, 'x')}) == std::nullopt);

    const auto says = [](const Element& element, const char* words) {
        const auto reason = objection(element);
        return reason && reason->find(words) != std::string::npos;
    };
    CHECK(
        says(Mapping{Transport::udp, at("[2001:db8::2]:5060"), mapping.outside}, "only IPv4 is translated"));
    CHECK(says(Mapping{Transport::udp, mapping.inside, at("[2001:db8::2]:5060")}, "2001:db8::2"));
    CHECK(says(Pinhole{Transport::udp, *Address::parse("2001:db8::5"), pinhole.outside}, "2001:db8::5"));
    CHECK(
        says(LatchedSource{Transport::udp, *Address::parse("2001:db8::5"), pinhole.outside}, "2001:db8::5"));
    CHECK(says(Pinhole{Transport::udp, {}, {{}, 17000}}, "needs an address"));
    CHECK(says(Diversion{Transport::udp, {*Address::parse("192.168.1.2"), 0}}, "port"));
    CHECK(says(Record{1, 1, std::string(241, 'x')}, "241 bytes"));
}

TEST_CASE("neighbours share a message until it is full") {
    Batch batch;
    const std::string table = "t";
    ElementWriter writer(batch, table);
    const Entry a = entries_of(pinhole).entry[0];
    const Entry b = entries_of(listener).entry[0];
    writer.put(ElementWriter::Kind::create, a, Seconds{5});
    writer.put(ElementWriter::Kind::create, a, Seconds{6});
    CHECK(batch.size() == 1);
    writer.put(ElementWriter::Kind::remove, a, {});
    CHECK(batch.size() == 2);
    writer.put(ElementWriter::Kind::remove, b, {});
    CHECK(batch.size() == 3);
    writer.flush(set_name::outside);
    writer.put(ElementWriter::Kind::create, a, {});
    CHECK(batch.size() == 5);
    CHECK(batch.label(4) == set_name::outside);
    CHECK(test::element_lines(batch.seal(1, true)) ==
          std::vector<std::string>{"create pinholes 06000000cb007105cb00710142680000 5000ms",
                                   "create pinholes 06000000cb007105cb00710142680000 6000ms",
                                   "remove pinholes 06000000cb007105cb00710142680000",
                                   "remove listeners 11000000c0a8010213c40000",
                                   "create pinholes 06000000cb007105cb00710142680000"});

    batch.clear();
    ElementWriter many(batch, table);
    const Element record = Record{1, 1, std::string(240, 'x')};
    for (int i = 0; i < 1000; ++i)
        many.put(ElementWriter::Kind::create, entries_of(record).entry[0], Seconds{5});
    CHECK(batch.size() > 50);
    CHECK(batch.size() < 200);
    CHECK(test::element_lines(batch.seal(1, true)).size() == 1000);
}

TEST_CASE("N3 a reachable endpoint is an element of its family's set, both ways") {
    for (const char* where : {"203.0.113.1:5060", "[2001:db8::1]:5060"}) {
        const Reachable reachable{Transport::udp, *Endpoint::parse(where)};
        const Entries entries = entries_of(reachable);
        REQUIRE(entries.count == 1);
        CHECK(entries.entry[0].set ==
              (reachable.outside.address.is_v4() ? set_name::reachable : set_name::reachable6));
        CHECK(reachable_of(entries.entry[0].key) == reachable);
    }
    CHECK(objection(Reachable{Transport::udp, {}}));
}
