#include "alg/sip/splitter.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sipalg::sip;
using namespace std::string_literals;

namespace {

const std::string head =
    "MESSAGE sip:b@example.com SIP/2.0\r\n"
    "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n"
    "Call-ID: c1\r\n";

const std::string stun = "\x00\x01\x00\x08\x21\x12\xa4\x42"s + std::string(12, 'i') + std::string(8, 'a');
const std::string client_hello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s + std::string(20, 'r');

bool same(const Piece& piece, Kind kind, std::size_t length) {
    CAPTURE(static_cast<int>(piece.kind));
    CAPTURE(piece.length);
    return piece.kind == kind && piece.length == length;
}

/// Feeds `stream` in segments of `step` bytes as a caller would; "kind:length " of every piece.
std::string pieces(const std::string& stream, std::size_t step) {
    std::string result, buffer;
    std::size_t seen = 0, wanted = 0;
    for (std::size_t at = 0; at < stream.size(); at += step) {
        buffer += stream.substr(at, step);
        while (!buffer.empty() && buffer.size() >= wanted) {
            const Piece piece = next_piece(buffer, seen);
            if (piece.kind == Kind::need_more) {
                REQUIRE(piece.length == 0);
                REQUIRE(piece.wanted > buffer.size());
                seen = piece.seen;
                wanted = piece.wanted;
                break;
            }
            REQUIRE(piece.length > 0);
            REQUIRE(piece.length <= buffer.size());
            result += std::to_string(static_cast<int>(piece.kind)) + ":" + std::to_string(piece.length) + " ";
            buffer.erase(0, piece.length);
            seen = wanted = 0;
        }
    }
    return result + "+" + std::to_string(buffer.size());
}

}  // namespace

TEST_CASE("S8: datagrams are classified by their first bytes") {
    CHECK(classify_datagram(head + "\r\n") == Kind::message);
    CHECK(classify_datagram("\r\n\r\n" + head + "\r\n") == Kind::message);
    CHECK(classify_datagram("SIP/2.0 200 OK\r\n") == Kind::message);
    CHECK(classify_datagram("INVITE sip:a SIP/2.0") == Kind::message);
    CHECK(classify_datagram("INVITE  x SIP/7.0\n") ==
          Kind::message);  // meant as SIP: parse() calls it malformed

    for (const std::string& nothing :
         {""s, "\r\n"s, "\r\n\r\n"s, "\n"s, "\0"s, "\0\0\0\0"s, "jaK"s, "\r\n\r\n\r\n"s})
        CHECK(classify_datagram(nothing) == Kind::keep_alive);
    CHECK(classify_datagram("\0\0\0\0\0"s) == Kind::garbage);

    CHECK(classify_datagram(stun) == Kind::stun);
    CHECK(classify_datagram(stun.substr(0, stun.size() - 1)) == Kind::garbage);
    CHECK(classify_datagram("\x00\x01\x00\x00\x21\x12\xa4\x43"s + std::string(12, 'i')) == Kind::garbage);
    CHECK(classify_datagram("\x00\x01\x00\x03\x21\x12\xa4\x42"s + std::string(16, 'i')) == Kind::garbage);

    CHECK(classify_datagram("\x20" + stun.substr(1)) == Kind::garbage);

    CHECK(classify_datagram(client_hello) == Kind::tls);
    CHECK(classify_datagram("\x16\xfe\xfd"s + std::string(40, '\0')) == Kind::tls);
    CHECK(classify_datagram("\x16\x04\x01"s + std::string(40, '\0')) == Kind::garbage);
    CHECK(classify_datagram("\x80\x00"s + std::string(10, 'r')) == Kind::rtp);
    CHECK(classify_datagram("\x80\xc9\x00\x01"s + std::string(4, 's')) == Kind::rtp);
    CHECK(classify_datagram("\x80\x00"s + std::string(5, 'r')) == Kind::garbage);
    CHECK(classify_datagram("\xc0\x00"s + std::string(10, 'r')) == Kind::garbage);

    CHECK(classify_datagram("POST / HTTP/1.1\r\nHost: x\r\n\r\n") == Kind::http);
    CHECK(classify_datagram("HTTP/1.1 200 OK\r\n\r\n") == Kind::http);
    CHECK(classify_datagram("GET http://a/ HTTP/1.0\r\n\r\n") == Kind::http);
    CHECK(classify_datagram("hello world, this is not SIP") == Kind::garbage);
}

TEST_CASE("X5: a SIP message after the first line of another protocol is not read") {
    const std::string post = "POST / HTTP/1.1\r\n\r\n" + head + "\r\n";
    CHECK(classify_datagram(post) == Kind::http);
    CHECK(same(next_piece(post), Kind::http, post.size()));
    const std::string padded = "x\r\n" + head + "\r\n";
    CHECK(classify_datagram(padded) == Kind::garbage);
    CHECK(same(next_piece(padded), Kind::garbage, padded.size()));
}

TEST_CASE("T1: a stream is split by Content-Length, for any segments") {
    const std::string one = head + "Content-Length: 10\r\n\r\n0123456789";
    const std::string two = head + "l : 0\r\n\r\n";
    const std::string folded = head + "l:\r\n  3\r\nX: y\r\n  z\r\n\r\nabc";
    const std::string bare = head + "\n";
    const std::string stream = one + two + "\r\n\r\n" + folded + "\r\n" + bare + one;
    const std::string expected = "1:" + std::to_string(one.size()) + " 1:" + std::to_string(two.size()) +
                                 " 2:4 1:" + std::to_string(folded.size()) +
                                 " 2:2 1:" + std::to_string(bare.size()) +
                                 " 1:" + std::to_string(one.size()) + " +0";
    CHECK(pieces(stream, stream.size()) == expected);
    for (std::size_t step = 3; step < 40; ++step) {
        // A keep-alive cut in two is two keep-alives: the same bytes pass.
        std::string got = pieces(stream, step);
        for (const std::string cut : {"2:2 2:2 ", "2:1 2:3 ", "2:3 2:1 "})
            if (const auto at = got.find(cut); at != std::string::npos) got.replace(at, cut.size(), "2:4 ");
        CHECK_MESSAGE(got == expected, step);
    }
    CHECK(pieces(one + one, 1) ==
          "1:" + std::to_string(one.size()) + " 1:" + std::to_string(one.size()) + " +0");
}

TEST_CASE("T1: the number of missing bytes is reported once it is known") {
    const std::string whole = head + "Content-Length: 1000\r\n\r\n";
    const Piece piece = next_piece(whole);
    CHECK(piece.kind == Kind::need_more);
    CHECK(piece.wanted == whole.size() + 1000);
    CHECK(next_piece(whole.substr(0, whole.size() - 1)).wanted == whole.size());
    CHECK(next_piece("").kind == Kind::need_more);
    // The search for the head's end goes on behind what was seen, and finds it again when only the body
    // lacks.
    CHECK(next_piece(head).seen == head.size());
    CHECK(piece.seen > 0);
    CHECK(next_piece(whole, piece.seen).wanted == piece.wanted);
    CHECK(same(next_piece(whole + std::string(1000, 'b'), piece.seen), Kind::message, whole.size() + 1000));
    for (std::size_t cut = 1; cut < 4; ++cut)
        CHECK(next_piece(whole, next_piece(whole.substr(0, whole.size() - cut)).seen).wanted == piece.wanted);
}

TEST_CASE("T1: a Content-Length inside the body or a value does not count") {
    const std::string text = head + "X: y\r\n Content-Length: 50\r\n\r\nContent-Length: 60\r\n";
    CHECK(same(next_piece(text), Kind::message, text.find("\r\n\r\n") + 4));
}

TEST_CASE("T4: a stream whose first bytes cannot be SIP is recognised at once") {
    for (const std::string& bytes :
         {"\x16\x03\x01"s, "\x80"s, "\xff"s, "\x01\x02\x03\x04\x05"s, " OPTIONS"s, "(x"s, "GET /"s,
          "POST /x HTTP/1.1"s, "OPTIONS *"s, "HTTP/"s, "SIX/"s, "A\t/"s, "A  *"s, "\r\nx\x01"s.substr(2),
          "A B HTTP/1.1\r\n"s, "EHLO example.com\r\n"s, "\n"s.substr(1) + "{"}) {
        CAPTURE(bytes);
        const Piece piece = next_piece(bytes);
        CHECK(piece.kind != Kind::need_more);
        CHECK(piece.kind != Kind::message);
        CHECK(piece.length == bytes.size());
    }
    for (const std::string& bytes :
         {"I"s, "INVITE"s, "INVITE "s, "INVITE s"s, "S"s, "SIP"s, "SIP/"s, "sip/2"s, "\r"s, "INVITE\t <"s,
          "INVITE sip:a SIP/2.0\r\n"s, "\x16"s, "\x16\x03"s, "\x00\x01\x00\x08\x21"s}) {
        CAPTURE(bytes);
        CHECK(next_piece(bytes).kind == Kind::need_more);
    }
    CHECK(next_piece("GET /").kind == Kind::http);
    CHECK(next_piece(client_hello).kind == Kind::tls);
    CHECK(next_piece("\x80").kind == Kind::garbage);
}

TEST_CASE("S8: keep-alives and STUN in a stream take their own bytes only") {
    CHECK(same(next_piece("\r\n\r\nINVITE"), Kind::keep_alive, 4));
    CHECK(same(next_piece("\r\n"), Kind::keep_alive, 2));
    CHECK(same(next_piece("\r\n\r"), Kind::keep_alive, 2));
    CHECK(same(next_piece("\n"), Kind::keep_alive, 1));
    CHECK(same(next_piece(stun + head), Kind::stun, stun.size()));
    CHECK(next_piece(stun.substr(0, 20)).wanted == stun.size());
    CHECK(pieces(stun + head + "\r\n", 1) == "3:28 1:" + std::to_string(head.size() + 2) + " +0");
}

TEST_CASE("X6: a stream that cannot be framed is garbage") {
    for (const std::string bad : {"Content-Length: -1", "Content-Length: 1\r\nl: 2",
                                  "Content-Length: 99999999999", "Content-Length:", "Content-Length: 1,1"}) {
        const std::string text = head + bad + "\r\n\r\n";
        CHECK_MESSAGE(same(next_piece(text), Kind::garbage, text.size()), bad);
    }
}

TEST_CASE("S9 T1: a message with odd lines is framed like any other") {
    for (const std::string start : {"MESSAGE  sip:b@c  SIP/2.0 ", "MESSAGE\t<sip:b@c>\tSIP/2.0"}) {
        const std::string text =
            start + "\r\nno colon\r\ntwo words: x\r\n\xc3\xa4: x\r\n: y\r\nl: 4\r\n\r\nbody";
        for (const std::size_t step : {std::size_t{1}, std::size_t{7}, text.size()})
            CHECK(pieces(text + text, step) ==
                  "1:" + std::to_string(text.size()) + " 1:" + std::to_string(text.size()) + " +0");
    }
}

TEST_CASE("X6: heads and start lines have limits") {
    std::string text = head;
    while (text.size() < max_head - 100)
        text += "X: y\r\n";
    CHECK(next_piece(text).kind == Kind::need_more);
    CHECK(same(next_piece(text + "\r\n"), Kind::message, text.size() + 2));
    text += std::string(100, 'z');
    CHECK(next_piece(text).kind == Kind::garbage);

    const std::string line = "OPTIONS sip:" + std::string(max_start_line, 'a');
    CHECK(next_piece(line.substr(0, max_start_line - 1)).kind == Kind::need_more);
    CHECK(next_piece(line).kind == Kind::garbage);
    CHECK(next_piece(line + " SIP/2.0\r\n\r\n").kind == Kind::garbage);
}

TEST_CASE("T1: a body of 65,536 bytes and its head are one message") {
    const std::string begun = head + "Content-Length: 65536\r\n\r\n";
    CHECK(next_piece(begun).wanted == begun.size() + 65536);
    CHECK(same(next_piece(begun + std::string(65536, 'b')), Kind::message, begun.size() + 65536));
}

TEST_CASE("T1: a message that is too long still has its length, so that the next one can be read") {
    const std::string begun = head + "Content-Length: 100000\r\n\r\n0123";
    const std::size_t length = begun.size() - 4 + 100000;
    CHECK(same(next_piece(begun), Kind::oversize, length));
    CHECK(same(next_piece(begun.substr(0, begun.size() - 10)), Kind::need_more, 0));
}

TEST_CASE("T4: a word that is longer than any method is not SIP") {
    CHECK(next_piece(std::string(128, 'x')).kind == Kind::need_more);
    CHECK(next_piece(std::string(129, 'x')).kind == Kind::garbage);
}
