#include "nft/elements.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "nft/element_writer.hpp"
#include "tests/unit/nft/messages.hpp"

using namespace sipalg;
using namespace sipalg::nft;

namespace {

Endpoint at(const char* text) {
    return *Endpoint::parse(text);
}

const Mapping mapping{Transport::udp, at("192.168.1.2:5060"), at("203.0.113.1:17000")};
const Pinhole pinhole{Transport::tcp, *Address::parse("203.0.113.5"), at("203.0.113.1:17000")};
const Mapping at_uplink{mapping.transport, mapping.inside, mapping.outside, InterfaceName("wan2")};
const Diversion listener{Transport::udp, at("192.168.1.2:5060")};

// The element that an entry of this element's first row restores.
std::optional<Element> restored(const Element& element) {
    const Entry entry = entries_of(element).entry[0];
    std::string note;
    if (!entry.note.empty()) {
        note = {static_cast<char>(note_type), static_cast<char>(entry.note.size())};
        note += entry.note;
    }
    for (const ElementRow& row : element_rows())
        if (row.set == entry.set || row.set6 == entry.set)
            return element_of(row, entry.key, entry.data, note);
    return std::nullopt;
}

std::string set_of(const Element& element) {
    return std::string(entries_of(element).entry[0].set);
}

const ElementRow& row_of(std::string_view set) {
    const auto rows = element_rows();
    return *std::find_if(rows.begin(), rows.end(), [&](const ElementRow& row) { return row.set == set; });
}

}  // namespace

TEST_CASE("A5 every kind of element is restored from its key, data and note") {
    const Endpoint v4 = at("203.0.113.1:17000"), v6 = at("[2001:db8::1]:17000");
    const Address remote4 = *Address::parse("203.0.113.5"), remote6 = *Address::parse("2001:db8::5");
    constexpr auto udp = Transport::udp, tcp = Transport::tcp;
    const std::pair<Element, const char*> all[] = {
        {mapping, "mappings_out"},
        {at_uplink, "mappings_via"},
        {Diversion{tcp, v4}, "listeners"},
        {Diversion{udp, v6}, "listeners6"},
        {Pinhole{tcp, remote4, v4}, "pinholes"},
        {Pinhole{udp, remote6, v6}, "pinholes6"},
        {Pinhole{udp, {}, v4}, "pinholes_any"},
        {Pinhole{tcp, {}, v6}, "pinholes6_any"},
        {Latch{udp, v4}, "latches"},
        {Latch{udp, v6}, "latches6"},
        {LatchedSource{udp, remote4, v4}, "learned"},
        {LatchedSource{udp, remote6, v6}, "learned6"},
        {SequenceMapped{at("192.168.1.2:40000"), at("203.0.113.5:5060")}, "shifted"},
        {Reachable{udp, v4}, "reachable"},
        {Reachable{tcp, v6}, "reachable6"},
        {Record{7, 2, "bytes"}, "records"},
    };
    std::set<std::size_t> alternatives;
    for (const auto& row : all) {
        const auto& [element, set] = row;
        CAPTURE(row.second);
        CHECK(validate(element));
        CHECK(entries_of(element).count == (std::holds_alternative<Mapping>(element) ? 2 : 1));
        CHECK(set_of(element) == set);
        CHECK(restored(element) == element);
        alternatives.insert(element.index());
    }
    CHECK(alternatives.size() == std::variant_size_v<Element>);
}

TEST_CASE("A3 a mapping is an entry in each of two maps, with key and data exchanged") {
    const Entries halves = entries_of(mapping);
    REQUIRE(halves.count == 2);
    CHECK(halves.entry[0].set == set_name::mappings_out);
    CHECK(halves.entry[1].set == set_name::mappings_in);
    const Mapping inverse{mapping.transport, mapping.outside, mapping.inside};
    CHECK(halves.entry[1].key == entries_of(inverse).entry[0].key);
    CHECK(halves.entry[1].data == entries_of(inverse).entry[0].data);
    const Entries of_uplink = entries_of(at_uplink);
    REQUIRE(of_uplink.count == 2);
    CHECK(of_uplink.entry[1].key == halves.entry[1].key);
    CHECK(of_uplink.entry[1].data == halves.entry[1].data);
}

TEST_CASE("a record is found among other user data, whatever its bytes are") {
    std::string bytes;
    for (int i = 0; i < 240; ++i)
        bytes += static_cast<char>(i);
    const Record record{0xfffffffe, 3, bytes};
    const Element element = record;
    const Entry entry = entries_of(element).entry[0];
    const ElementRow& row = row_of(set_name::records);

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
    CHECK(note.size() <= 256);  // the longest that the kernel accepts
    CHECK(element_of(row, entry.key, {}, note) == element);
    CHECK(element_of(row, entry.key, {}, std::string("\0\3hi\0", 5) + note) ==
          element);  // behind a comment of nft's
    CHECK(element_of(row, entry.key, {}, "") == std::nullopt);
    CHECK(element_of(row, entry.key, {}, note.substr(0, 100)) == std::nullopt);
    CHECK(element_of(row, entry.key, {}, std::string("\0\3hi\0", 5)) == std::nullopt);
    CHECK(element_of(row, entries_of(listener).entry[0].key, {}, note) == std::nullopt);
}

TEST_CASE("values of other sizes or protocols were not made by sipalgd") {
    Value key = entries_of(listener).entry[0].key;
    CHECK(element_of(row_of(set_name::listeners), key, {}, {}) == Element(listener));
    CHECK(element_of(row_of(set_name::pinholes), key, {}, {}) == std::nullopt);
    CHECK(element_of(row_of(set_name::mappings_out), key, {}, {}) == std::nullopt);
    CHECK(element_of(row_of(set_name::shifted), key, {}, {}) == std::nullopt);
    key.bytes[0] = 1;
    CHECK(element_of(row_of(set_name::listeners), key, {}, {}) == std::nullopt);
    Value connection = entries_of(SequenceMapped{at("192.168.1.2:1"), at("203.0.113.5:2")}).entry[0].key;
    connection.bytes[0] = 17;  // UDP has no sequence numbers
    CHECK(element_of(row_of(set_name::shifted), connection, {}, {}) == std::nullopt);
}

TEST_CASE("an element that the kernel cannot store is refused with a reason") {
    CHECK(validate(mapping));
    CHECK(validate(pinhole));
    CHECK(validate(listener));
    CHECK(validate(Record{1, 1, std::string(240, 'x')}));

    const auto says = [](const Element& element, const char* words) {
        const auto valid = validate(element);
        return !valid && valid.error().find(words) != std::string::npos;
    };
    CHECK(
        says(Mapping{Transport::udp, at("[2001:db8::2]:5060"), mapping.outside}, "only IPv4 is translated"));
    CHECK(says(Mapping{Transport::udp, mapping.inside, at("[2001:db8::2]:5060")}, "2001:db8::2"));
    CHECK(says(Pinhole{Transport::udp, *Address::parse("2001:db8::5"), pinhole.outside}, "2001:db8::5"));
    CHECK(
        says(LatchedSource{Transport::udp, *Address::parse("2001:db8::5"), pinhole.outside}, "2001:db8::5"));
    CHECK(says(Pinhole{Transport::udp, {}, {{}, 17000}}, "needs an address"));
    CHECK(says(LatchedSource{Transport::udp, {}, pinhole.outside}, "one family"));
    CHECK(says(SequenceMapped{at("[2001:db8::2]:1"), at("[2001:db8::3]:2")}, "only IPv4"));
    CHECK(says(SequenceMapped{mapping.inside, {mapping.outside.address, 0}}, "port"));
    CHECK(says(Reachable{Transport::udp, {}}, "port"));
    CHECK(says(Diversion{Transport::udp, {*Address::parse("192.168.1.2"), 0}}, "port"));
    CHECK(says(Record{1, 1, std::string(241, 'x')}, "241 bytes"));
}

TEST_CASE("successive elements of one set share a message until it is full") {
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
