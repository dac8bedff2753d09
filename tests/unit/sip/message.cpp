#include "alg/sip/message.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

using namespace sipalg::sip;
using namespace std::string_literals;

namespace {

const std::string minimal =
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
    "From: <sip:a@example.com>;tag=1\r\n"
    "To: <sip:b@example.com>\r\n"
    "Call-ID: c1@192.0.2.1\r\n"
    "CSeq: 1 OPTIONS\r\n";

std::string request(const std::string& headers, const std::string& body = "") {
    return "OPTIONS sip:b@example.com SIP/2.0\r\n" + headers + "\r\n" + body;
}

ParseError result(const std::string& text) {
    Message message;
    return message.parse(text);
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    const auto at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
}

}  // namespace

TEST_CASE("S1: a request is read as views into its bytes") {
    const std::string text =
        "INVITE sip:bob@example.com;x=y SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKa\r\n"
        "Max-Forwards: 70\r\n"
        "From: \"Al; tag=no\" <sip:al@example.com;tag=no>;x=1 ; TAG=f1;y\r\n"
        "To: sip:bob@example.com\r\n"
        "Contact: <sip:al@192.168.1.10>\r\n"
        "Call-ID: id-1\r\n"
        "CSeq: 7 INVITE\r\n"
        "Contact: <sip:al@192.168.1.11>\r\n"
        "Content-Length:  4 \r\n"
        "\r\n"
        "v=0\nmore";
    Message m;
    REQUIRE(m.parse(text) == ParseError::none);
    CHECK(m.is_request());
    CHECK(m.status() == 0);
    CHECK(m.method() == Method::invite);
    CHECK(m.method_name() == "INVITE");
    CHECK(m.request_uri() == "sip:bob@example.com;x=y");
    CHECK(m.call_id() == "id-1");
    CHECK(m.cseq().number == 7);
    CHECK(m.from_tag() == "f1");
    CHECK(m.to_tag().empty());
    CHECK(m.content_length() == "4");
    CHECK(m.body() == "v=0\n");
    CHECK(m.bytes() == text);
    CHECK(m.head().data() == text.data());
    CHECK(m.head().size() == text.size() - 8);
    REQUIRE(m.headers().size() == 8);
    CHECK(m.headers()[0].id == HeaderId::via);
    CHECK(m.headers()[3].id == HeaderId::contact);
    CHECK(m.headers()[6].value == "<sip:al@192.168.1.11>");
    CHECK(m.first(HeaderId::contact)->value == "<sip:al@192.168.1.10>");
    CHECK(m.first(HeaderId::route) == nullptr);
    CHECK(m.first(HeaderId::other) == nullptr);
    CHECK(m.first(HeaderId::count_) == nullptr);
    // Nothing of the one before is left when the message is used again.
    REQUIRE(m.parse("SIP/2.0 180 Ringing\r\n" + minimal + "\r\n") == ParseError::none);
    CHECK(m.request_uri().empty());
    CHECK(m.first(HeaderId::contact) == nullptr);
    CHECK(!m.content_length());
    CHECK(m.body().empty());
    // A copy stands on the same bytes.
    const Message copy = m;
    CHECK(copy.headers().size() == m.headers().size());
    CHECK(copy.first(HeaderId::via)->value.data() == m.first(HeaderId::via)->value.data());
}

TEST_CASE("S7: responses, with any reason or none, take the method from CSeq") {
    for (const std::string start :
         {"SIP/2.0 200 OK", "SIP/2.0 200 ", "SIP/2.0 200", "sip/2.0 200 \xd0\xbd\xd0\xbe = 2**3 SIP/2.0",
          "SIP/2.0  200 OK", "SIP/2.0\t200\tOK", "SIP/2.0 200 OK \t"}) {
        CAPTURE(start);
        Message m;
        const std::string text = start + "\r\n" + minimal + "\r\n";
        REQUIRE(m.parse(text) == ParseError::none);
        CHECK(!m.is_request());
        CHECK(m.status() == 200);
        CHECK(m.method() == Method::options);
        CHECK(m.request_uri().empty());
    }
    for (const std::string start : {"SIP/2.0 100 x", "SIP/2.0 699 x"})
        CHECK(result(start + "\r\n" + minimal + "\r\n") == ParseError::none);
    for (const std::string start :
         {"SIP/2.0 099 x", "SIP/2.0 700 x", "SIP/2.0 4294967301 x", "SIP/2.0 20 x", "SIP/2.0 2x0 OK",
          "SIP/2.0200 OK", "SIP/2.0", "SIP/2.0 ", "SIP/2.00 200 OK", "SIP/7.0 200 OK", "SIP/2.0 0200 OK",
          "SIP/2.0 200OK", "SIP/2.0 -20 x", "SIP/"})
        CHECK_MESSAGE(result(start + "\r\n" + minimal + "\r\n") == ParseError::malformed, start);
}

TEST_CASE("S7: an unknown method is a request like any other") {
    Message m;
    const std::string text =
        replaced("!x'%~+` urn:service:sos sip/2.0\r\n" + minimal + "\r\n", "OPTIONS", "!x'%~+`");
    REQUIRE(m.parse(text) == ParseError::none);
    CHECK(m.method() == Method::unknown);
    CHECK(m.method_name() == "!x'%~+`");
    CHECK(m.request_uri() == "urn:service:sos");
}

TEST_CASE("S9: the start line decides first whether a message is one") {
    CHECK(result("OPTIONS sip:b@c SIP/7.0\r\n" + minimal + "\r\n") == ParseError::malformed);
    CHECK(result("GET / HTTP/1.1\r\n" + minimal + "\r\n") == ParseError::not_sip);
    CHECK(result("") == ParseError::not_sip);
    CHECK(result("\r\n\r\n") == ParseError::not_sip);
}

TEST_CASE("S10: line ends before the start line are ignored") {
    const std::string text = "\r\n\n\r\n" + request(minimal);
    Message m;
    REQUIRE(m.parse(text) == ParseError::none);
    CHECK(m.head() == text);
}

TEST_CASE("S10: LF alone ends lines") {
    std::string text;
    for (const char c : request(minimal + "l: 2\r\n", "ab"))
        if (c != '\r') text += c;
    Message m;
    REQUIRE(m.parse(text) == ParseError::none);
    CHECK(m.body() == "ab");
    CHECK(m.call_id() == "c1@192.0.2.1");
    // Mixed, the empty line with and without CR.
    CHECK(result(replaced(request(minimal), "\r\n\r\n", "\n\r\n")) == ParseError::none);
    CHECK(result(replaced(request(minimal), "\r\n\r\n", "\r\n\n")) == ParseError::none);
}

TEST_CASE("S10: compact names, odd case, white space before the colon, folds") {
    const std::string text =
        "OPTIONS sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
        "TO :\r\n"
        " sip:vivekg@example.com ;   tag    = t1\r\n"
        "f   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n"
        "  ;\r\n"
        "  tag = 98asjd8\r\n"
        "MaX-fOrWaRdS: 0068\r\n"
        "I:\t\r\n"
        "  wsinv.1@192.0.2.1\r\n"
        "Content-Length   :\r\n"
        "\t003\r\n"
        "cseq: 0009\r\n"
        "  OPTIONS\r\n"
        "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n"
        "  branch  =   z9hG4bK9ikj8\r\n"
        "s :\r\n"
        "NewFangledHeader:   newfangled value\r\n"
        " continued\r\n"
        "\t\r\n"
        "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
        "m:\r\n"
        "\r\n"
        "abc";
    Message m;
    REQUIRE(m.parse(text) == ParseError::none);
    CHECK(m.to_tag() == "t1");
    CHECK(m.from_tag() == "98asjd8");
    CHECK(m.call_id() == "wsinv.1@192.0.2.1");
    CHECK(m.cseq().number == 9);
    CHECK(m.content_length() == "003");
    CHECK(m.body() == "abc");
    REQUIRE(m.first(HeaderId::contact));
    CHECK(m.first(HeaderId::contact)->value.empty());
    CHECK(m.first(HeaderId::via)->value.substr(0, 3) == "SIP");
}

TEST_CASE("S9: faults in the Request-URI outside its host do not make a message malformed") {
    for (const std::string uri : {"sip:b@c?x=y", "SIPS:b@c;lr?x", "sip:c?x=y", "sip:b@c?x=y@z", "sip:b?x@c",
                                  "sip:b;x?y=z@c", "tel:+1?x", "http://c/?x=y", "sip:b@c", "b@c"}) {
        INFO(uri);
        CHECK(result(replaced(request(minimal), "sip:b@example.com", uri)) == ParseError::none);
    }
}

TEST_CASE("S10: RFC 2543 messages have neither tags nor branch") {
    Message m;
    const std::string text = replaced(replaced(request(minimal), ";tag=1", ""), ";branch=z9hG4bK1", "");
    REQUIRE(m.parse(text) == ParseError::none);
    CHECK(m.from_tag().empty());
}

TEST_CASE("S10: tags of From and To in every form of the value") {
    const auto tag = [](const std::string& to) {
        Message m;
        const std::string text = replaced(request(minimal), "<sip:b@example.com>", to);
        REQUIRE_MESSAGE(m.parse(text) == ParseError::none, to);
        return std::string(m.to_tag());
    };
    CHECK(tag("sip:b@c;tag=x") == "x");
    CHECK(tag("<sip:b@c;tag=no>") == "");
    CHECK(tag("\"a <b>;tag=no\" <sip:b@c>;tag=x") == "x");
    CHECK(tag("Bell, Alexander <sip:b@c>;tag=x") == "x");
    CHECK(tag("\"a\\\"\"<sip:b@c> ; a=\"b;tag=no\";tag=x") == "x");
    CHECK(tag("a \"b\" c <sip:b@c>;tag=x") == "x");
    CHECK(tag("<sip:b@c>;xtag=1;tagx=2;tag") == "");
    CHECK(tag("<tel:+1>;TAG = x ") == "x");
    CHECK(tag("\xd0\x90 <sip:b@c>;tag=x") == "x");
    // Faults that cost neither the URI nor the tag (S9, RFC 4475 3.1.2.6).
    CHECK(tag("\"B <sip:b@c>;tag=x") == "x");
    CHECK(tag("\"B\\\" <sip:b@c>;tag=x") == "x");
    CHECK(tag("\"B\"c\" <sip:b@c>;tag=x") == "x");
    CHECK(tag("\"B <sip:b@c>;y=\"z\";tag=x") == "x");
    CHECK(tag("\"B <sip:b@c>;y=\"z;tag=x") == "x");
    CHECK(tag("B; c <sip:b@c>;tag=x") == "x");
    CHECK(tag("<sip:b@c;tag=x") == "x");
    CHECK(tag("sip:b@c>;tag=x") == "x");
    CHECK(tag("<sip:b@c>;a=\"b;tag=x") == "x");
    CHECK(tag("<sip:b@c>;a=\\\"b;tag=x") == "x");
    CHECK(tag("<sip:b@c> tag=y;tag=x") == "x");
    CHECK(tag("<sip:b@c> tag=y") == "");
    CHECK(tag("<sip:b@c>, <sip:d@e>;tag=x") == "x");
}

TEST_CASE("S3: the URIs of From and To in every form of the value") {
    const auto uri = [](const std::string& to) {
        Message m;
        const std::string text = replaced(request(minimal), "<sip:b@example.com>", to);
        REQUIRE_MESSAGE(m.parse(text) == ParseError::none, to);
        return std::string(m.to_uri());
    };
    CHECK(uri("sip:b@c;tag=x") == "sip:b@c");
    CHECK(uri("sip:b@c ") == "sip:b@c");
    CHECK(uri("\"a <b>;x\" <sip:b@c;lr>;tag=x") == "sip:b@c;lr");
    CHECK(uri("Bell, Alexander <sip:b@c>") == "sip:b@c");
    CHECK(uri("<>") == "");
    CHECK(uri("\"B <sip:b@c>;tag=x") == "sip:b@c");
    CHECK(uri("\"B\\\" <sip:b@c>;y=\"z\"") == "sip:b@c");
    CHECK(uri("\"B\"c\" <sip:b@c>") == "sip:b@c");
    CHECK(uri("\"B\" \"c <x>\" <sip:b@c>") == "sip:b@c");
    CHECK(uri("B; c <sip:b@c>;tag=x") == "sip:b@c");
    CHECK(uri("< sip:b@c >;tag=x") == "sip:b@c");
    CHECK(uri("<<sip:b@c>>;tag=x") == "sip:b@c");
    CHECK(uri("<sip:b@c;tag=x") == "sip:b@c;tag=x");
    Message m;
    const std::string text = request(minimal);
    REQUIRE(m.parse(text) == ParseError::none);
    CHECK(m.from_uri() == "sip:a@example.com");
}

TEST_CASE("S3: the topmost via-parm, with others after it") {
    const auto top = [](const std::string& via) {
        Message m;
        const std::string text = replaced(request(minimal), "Via: SIP/2.0/UDP 192.0.2.1", via);
        REQUIRE_MESSAGE(m.parse(text) == ParseError::none, via);
        return std::string(m.top_via().sent_by.host);
    };
    CHECK(top("Via: SIP/2.0/UDP a, SIP/2.0/UDP b") == "a");
    CHECK(top("Via: SIP/2.0/UDP a\r\nv: SIP/2.0/UDP b") == "a");
    // An unreadable topmost Via is not skipped, because the next one belongs to another hop.
    Message m;
    const std::string text =
        replaced(request(minimal), "Via: SIP/2.0/UDP 192.0.2.1", "Via: nonsense\r\nVia: SIP/2.0/UDP b");
    CHECK(m.parse(text) == ParseError::malformed);
}

TEST_CASE("S9: headers that every message must have, once or several times alike") {
    for (const std::string name : {"Via", "From", "To", "Call-ID", "CSeq"}) {
        CAPTURE(name);
        CHECK(result(replaced(request(minimal), name + ":", "X-" + name + ":")) == ParseError::malformed);
        const auto begin = minimal.find(name + ":");
        const std::string again = minimal.substr(begin, minimal.find('\n', begin) + 1 - begin);
        Message m;
        const std::string text = request(minimal + again);
        CHECK(m.parse(text) == ParseError::none);
        CHECK(m.is_repeated(m.headers().back().id) == (name != "Via"));
        const std::string other = replaced(again, "\r\n", "2\r\n");
        const auto expected = name == "Via" ? ParseError::none : ParseError::malformed;
        CHECK(result(request(minimal + other)) == expected);
    }
}

TEST_CASE("S9: a broken header line affects only that line (RFC 4475 3.1.2)") {
    for (const std::string line :
         {"no colon", "no colon\r\n folded: twice", ": no name", "Z: y\r\n : a fold", "two words: x",
          "X(y: x", "[x]: y", "\xc3\xa4: x", "extension-!.%*+_`'~:x", "Content-Length 99"}) {
        INFO(line);
        for (const bool first : {false, true}) {
            Message m;
            const std::string text =
                request(first ? line + "\r\n" + minimal : minimal + line + "\r\n", "body");
            REQUIRE(m.parse(text) == ParseError::none);
            CHECK(m.headers().size() == 5);
            CHECK(m.body() == "body");
        }
    }
    CHECK(result(request("  \r\n" + minimal)) == ParseError::none);
    CHECK(result(request(" leading: x\r\n" + minimal)) == ParseError::none);
    // A fold belongs to its line, even if it looks like a header.
    CHECK(result(request("no colon\r\n " + minimal)) == ParseError::malformed);
}

TEST_CASE("S9: a head that does not end is malformed") {
    std::string text = request(minimal);
    while (!text.empty()) {
        text.pop_back();
        const auto error = result(text);
        CHECK_MESSAGE(error != ParseError::none, text.size());
    }
}

TEST_CASE("S9: Call-ID and CSeq") {
    const auto with = [](const std::string& what, const std::string& value) {
        return result(replaced(request(minimal), what, value));
    };
    for (const std::string bad : {"", " ", "a\r\n b", "a\tb", "a\x01", "a\x7f"})
        CHECK(with("c1@192.0.2.1", bad) == ParseError::malformed);
    CHECK(with("c1@192.0.2.1", "a b  c") == ParseError::none);
    CHECK(with("c1@192.0.2.1", "word%ZK-!.*_+'@word`~)(><:\\/\"][?}{") == ParseError::none);
    for (const std::string bad :
         {"1", "OPTIONS", "OPTIONS 1", "1OPTIONS", "-1 OPTIONS", "4294967296 OPTIONS",
          "36893488147419103232 OPTIONS", "1 INVITE", "1 OPTIONS x", "1 OPTIONS;", ""})
        CHECK_MESSAGE(with("1 OPTIONS", bad) == ParseError::malformed, bad);
    CHECK(with("1 OPTIONS", "4294967295 \t OPTIONS") == ParseError::none);
    CHECK(with("1 OPTIONS", "0 OPTIONS") == ParseError::none);
}

TEST_CASE("S9: a method in CSeq in another case than in the start line, and in the responses to it") {
    Message m;
    const std::string text = replaced(request(minimal), "1 OPTIONS", "1 options");
    REQUIRE(m.parse(text) == ParseError::none);
    CHECK(m.method() == Method::options);
    CHECK(m.method_name() == "options");
    const std::string response = "SIP/2.0 200 OK\r\n" + replaced(minimal, "1 OPTIONS", "1 invite") + "\r\n";
    REQUIRE(m.parse(response) == ParseError::none);
    CHECK(m.method() == Method::invite);
    // Methods are case-sensitive: the start line says which one it is.
    const std::string lower = replaced(text, "OPTIONS sip", "options sip");
    REQUIRE(m.parse(lower) == ParseError::none);
    CHECK(m.method() == Method::unknown);
    const std::string mixed = replaced(request(minimal), "OPTIONS sip", "options sip");
    REQUIRE(m.parse(mixed) == ParseError::none);
    CHECK(m.method() == Method::unknown);
}

TEST_CASE("X6: Content-Length that is wrong, doubled or too long") {
    const auto with = [](const std::string& headers) { return result(request(minimal + headers, "12345")); };
    CHECK(with("") == ParseError::none);
    CHECK(with("Content-Length: 5\r\n") == ParseError::none);
    CHECK(with("Content-Length: 0\r\n") == ParseError::none);
    CHECK(with("Content-Length: 6\r\n") == ParseError::truncated);
    CHECK(with("Content-Length: 2147483647\r\n") == ParseError::truncated);
    CHECK(with("Content-Length: 5\r\nl: 05\r\n") == ParseError::none);
    for (const std::string bad :
         {"5\r\nl: 4", "-1", "+5", "5 5", "5,5", "5x", "x", "", "0x5", "2147483648", "4294967301",
          "18446744073709551621", "99999999999999999999999999999999999999"})
        CHECK_MESSAGE(with("Content-Length: " + bad + "\r\n") == ParseError::malformed, bad);
}

TEST_CASE("X6: NUL bytes in the head") {
    CHECK(result(request(minimal + "X: a\0b\r\n"s)) == ParseError::malformed);
    CHECK(result(request(minimal + "\0: b\r\n"s)) == ParseError::malformed);
    CHECK(result(request(minimal + "X: \"a\\\0b\"\r\n"s)) == ParseError::none);
    CHECK(result(request(minimal, "\0\0"s)) == ParseError::none);
}

TEST_CASE("X6: more known headers than the table has room for; unknown ones do not count") {
    std::string headers = minimal;
    for (std::size_t i = 5; i < Message::max_headers; ++i)
        headers += "Route: <sip:a>\r\n";
    for (int i = 0; i < 10000; ++i)
        headers += "Z: y\r\n";
    Message m;
    const std::string text = request(headers);
    REQUIRE(m.parse(text) == ParseError::none);
    CHECK(m.headers().size() == Message::max_headers);
    CHECK(m.first(HeaderId::route)->value == "<sip:a>");
    CHECK(result(request(headers + "m: *\r\n")) == ParseError::too_many_headers);
}

TEST_CASE("S9: only the topmost Via decides whether a message can be read") {
    const std::string via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1";
    Message m;
    const std::string two = request(replaced(minimal, via, "SIP/2.0/TCP a:5070;branch=x , " + via));
    REQUIRE(m.parse(two) == ParseError::none);
    CHECK(m.top_via().transport == "TCP");
    CHECK(m.top_via().sent_by.text == "a:5070");
    CHECK(m.top_via().branch == "x");
    CHECK(result(request(replaced(minimal, via, via + ", ,"))) == ParseError::none);
    CHECK(result(request(minimal + "Via: nonsense\r\n")) == ParseError::none);
    for (const std::string odd :
         {"SIP/2.0/UDP a:0", "SIP/2.0/UDP a:", "SIP/2.0/UDP a;x=\"y", "SIP/2.0/UDP a;;,;,,"})
        CHECK_MESSAGE(result(request(replaced(minimal, via, odd))) == ParseError::none, odd);
    for (const std::string wrong :
         {"", ",", "nonsense", "SIP/2.0/UDP", "SIP/2.0/UDP a:65536", "SIP/3.0/UDP a", "SIP/2.0/UDP a b"})
        CHECK_MESSAGE(result(request(replaced(minimal, via, wrong))) == ParseError::malformed, wrong);
}
