#include "alg/kernel/element_list.hpp"

#include <doctest/doctest.h>

namespace sipalg {

namespace {

std::vector<Change> some() {
    const Endpoint inside{Address::v4(0xC0A8010A), 5060}, outside{Address::v4(0xCB007101), 5062};
    const Endpoint v6 = *Endpoint::parse("[2001:db8::1]:40000");
    std::vector<Change> changes;
    const auto add = [&](Element element, Seconds timeout) {
        changes.push_back({Change::Op::add, std::move(element), timeout});
    };
    add(Mapping{Transport::udp, inside, outside, InterfaceName("wan2")}, Seconds{60});
    add(Pinhole{Transport::tcp, v6.address, v6}, Seconds{70});
    add(Pinhole{Transport::udp, {}, outside}, Seconds{80});  // any source
    add(Diversion{Transport::tcp, inside}, Seconds{90});
    add(Record{7, 1, std::string("\0x", 2)}, Seconds{100});
    add(Latch{Transport::udp, outside}, Seconds{110});
    add(Reachable{Transport::udp, v6}, Seconds{120});
    return changes;
}

bool same(const std::vector<Change>& a, const std::vector<Change>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (!(a[i].element == b[i].element) || a[i].timeout != b[i].timeout || a[i].op != b[i].op)
            return false;
    return true;
}

}  // namespace

TEST_CASE("A5 elements are read as they were written, with the time that is left") {
    std::vector<Change> changes = some();
    changes.push_back({Change::Op::add, SequenceMapped{}, Seconds{60}});
    const std::string bytes = write_elements(changes);
    const auto now = read_elements(bytes, Time{0});
    REQUIRE(now);
    CHECK(same(*now, some()));
    const auto later = read_elements(bytes, Seconds{75});
    REQUIRE(later);
    REQUIRE(later->size() == 6);
    CHECK(std::holds_alternative<Mapping>((*later)[0].element));
    CHECK((*later)[0].timeout == Seconds{60});
    CHECK(std::get<Pinhole>((*later)[1].element).remote == Address{});
    CHECK((*later)[1].timeout == Seconds{5});
    const auto last = read_elements(bytes, Seconds{1000});
    REQUIRE(last);
    CHECK(last->size() == 3);  // mapping, diversion, record
}

TEST_CASE("A5 a list of elements that is truncated or damaged is refused") {
    const std::string bytes = write_elements(some());
    for (std::size_t length = 0; length < bytes.size(); ++length)
        if (const auto read = read_elements(std::string_view(bytes).substr(0, length), Time{0}))
            CHECK(read->size() < some().size());  // it ends with a whole element
    CHECK_FALSE(read_elements("", Time{0}));
    CHECK_FALSE(read_elements("\x02" + bytes.substr(1), Time{0}));
    CHECK_FALSE(read_elements(std::string("\x01\x01\0\0\0\x09", 6), Time{0}));  // no such kind
    CHECK_FALSE(read_elements(std::string("\x01\0\0\0\x7f\x03", 6), Time{0}));  // longer than a day
}

}  // namespace sipalg
