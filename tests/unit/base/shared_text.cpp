#include "alg/base/shared_text.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "alg/base/boxed.hpp"
#include "alg/base/short_text.hpp"
#include "alg/dialog/call_key.hpp"
#include "tests/allocations.hpp"

using sipalg::Boxed;
using sipalg::SharedText;
using sipalg::ShortText;

TEST_CASE("P5 copies of a key share its text, and compare it in full") {
    const SharedText one(std::string(100, 'a')), same(std::string(100, 'a')), none;
    const std::size_t before = ::test::allocations;
    SharedText copy = one;
    CHECK(copy == one);
    copy = none;
    copy = one;
    const std::size_t after = ::test::allocations;
    CHECK(after == before);
    CHECK(copy == same);
    CHECK_FALSE(copy == SharedText(std::string(100, 'b')));
    CHECK(none == SharedText(""));
    CHECK(std::string_view(none).empty());
    CHECK(copy == std::string(100, 'a'));
    CHECK(sizeof(SharedText) == sizeof(void*));
}

TEST_CASE("a key and its view have the same hash") {
    const SharedText text(std::string(100, 'a')), none;
    CHECK(text.hash() == std::hash<std::string_view>{}(std::string(100, 'a')));
    CHECK(text.hash() == SharedText(text).hash());
    CHECK(none.hash() == std::hash<std::string_view>{}(""));
    const sipalg::CallKey key{"1-8c21f0aa-4f2a91c07b@desk", sipalg::Address::v4(1), 2};
    CHECK(sipalg::CallKeyHash{}(key) ==
          sipalg::CallKeyHash{}(sipalg::CallKeyView{key.call_id, key.phone, key.leg}));
}

TEST_CASE("P5 a boxed value is copied as a value, and compared as one") {
    Boxed<int> none, one = 1;
    Boxed<int> copy = one;
    CHECK(copy == one);
    *copy = 2;
    CHECK(*one == 1);
    CHECK_FALSE(copy == one);
    CHECK_FALSE(copy == none);
    copy = none;
    CHECK(copy == none);
    CHECK(copy.get() == nullptr);
    copy.emplace() = 3;
    CHECK(*copy == 3);
}

TEST_CASE("P5 a short text has at most so many characters") {
    CHECK(ShortText<4>("audio").text() == "audi");
    CHECK(ShortText<16>("audio").text() == "audio");
    CHECK(ShortText<4>().text().empty());
    CHECK(ShortText<8>("audio") == ShortText<8>("audio"));
    CHECK_FALSE(ShortText<8>("audio") == ShortText<8>("video"));
}
