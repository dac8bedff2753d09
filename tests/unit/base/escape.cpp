#include "alg/base/escape.hpp"

#include <doctest/doctest.h>

using sipalg::escape;

TEST_CASE("plain text and UTF-8 stay as they are") {
    CHECK(escape("") == "");
    CHECK(escape("sip:alice@example.com") == "sip:alice@example.com");
    CHECK(escape("J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x93\x9e") ==
          "J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x93\x9e");
}

TEST_CASE("control characters can't reach a terminal or start a log line") {
    CHECK(escape("a\nb\r\tc") == "a\\x0ab\\x0d\\x09c");
    CHECK(escape("\x1b[2J") == "\\x1b[2J");
    CHECK(escape(std::string_view("\0x", 2)) == "\\x00x");
    CHECK(escape("\x7f") == "\\x7f");
    // U+009B is the one-character form of ESC [
    CHECK(escape("\xc2\x9b"
                 "2J") == "\\xc2\\x9b2J");
}

TEST_CASE("bidirectional overrides are escaped") {
    CHECK(escape("a\xe2\x80\xae"
                 "z") == "a\\xe2\\x80\\xaez");
    CHECK(escape("\xe2\x81\xa6x") == "\\xe2\\x81\\xa6x");
    CHECK(escape("\xe2\x80\xa8") == "\\xe2\\x80\\xa8");
}

TEST_CASE("bytes that are not UTF-8 are shown as bytes") {
    CHECK(escape("\x9b"
                 "31m") == "\\x9b31m");
    CHECK(escape("\xc0\x9b") == "\\xc0\\x9b");           // overlong
    CHECK(escape("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // surrogate
    CHECK(escape("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
    CHECK(escape("\xe2\x82") == "\\xe2\\x82");  // cut short
}

TEST_CASE("a backslash is doubled, so that text cannot imitate an escape") {
    CHECK(escape("\\x1b") == "\\\\x1b");
}

TEST_CASE("width counts characters, not bytes") {
    CHECK(sipalg::width("abc") == 3);
    CHECK(sipalg::width("J\xc3\xbcrgen") == 6);
}
