#include "alg/sip/body.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sipalg::sip;
using namespace std::string_literals;

namespace {

const std::string sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n";

/// A message with these headers and this body, and what find_sdp says of it.
struct Found {
    Found(const std::string& headers, const std::string& body)
        : text(
              "INVITE sip:b@example.com SIP/2.0\r\n"
              "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
              "From: <sip:a@example.com>;tag=1\r\n"
              "To: <sip:b@example.com>\r\n"
              "Call-ID: c1\r\n"
              "CSeq: 1 INVITE\r\n" +
              headers + "\r\n" + body) {
        REQUIRE(message.parse(text) == ParseError::none);
        bodies = find_sdp(message);
    }
    std::string text;
    Message message;
    Bodies bodies;
};

std::string part(const std::string& headers, const std::string& content) {
    return headers + "\r\n" + content;
}

}  // namespace

TEST_CASE("D7: a body of application/sdp, however its type is written") {
    for (const std::string type :
         {"Content-Type: application/sdp", "c: APPLICATION/SDP", "Content-Type:application/sdp;charset=utf-8",
          "c:\r\n application / \r\n sdp ; a=b"}) {
        CAPTURE(type);
        const Found f(type + "\r\n", sdp);
        REQUIRE(f.bodies.sdp.size() == 1);
        CHECK(f.bodies.sdp[0].text == sdp);
        CHECK(!f.bodies.sdp[0].content_length);
        CHECK(!f.bodies.sealed);
    }
    CHECK(Found("Content-Type: application/sdp\r\nl: 5\r\n", sdp).bodies.sdp[0].text == "v=0\r\n");
}

TEST_CASE("D7: without a type, without a body, of another type: none") {
    CHECK(Found("", "text").bodies.sdp.size() == 0);
    CHECK(Found("c: application/sdp\r\n", "").bodies.sdp.size() == 0);
    for (const std::string type :
         {"text/plain", "application/sdpx", "application", "sdp", "application/sdp/x", "/sdp"})
        CHECK_MESSAGE(Found("c: " + type + "\r\n", sdp).bodies.sdp.size() == 0, type);
}

TEST_CASE("S9: a description without a type, and text after the type") {
    for (const std::string type :
         {"", "c:\r\n", "c: application/sdp charset=utf-8\r\n", "c: application/sdp, application/sdp\r\n"}) {
        CAPTURE(type);
        const Found f(type, sdp);
        REQUIRE(f.bodies.sdp.size() == 1);
        CHECK(f.bodies.sdp[0].text == sdp);
    }
    CHECK(Found("e: gzip\r\n", sdp).bodies.sealed);
    const Found unclosed("c: multipart/mixed;boundary=b1\r\n", "--b1\r\nc: application/sdp\r\n\r\n" + sdp);
    REQUIRE(unclosed.bodies.sdp.size() == 1);
    CHECK(unclosed.bodies.sdp[0].text == sdp);
}

TEST_CASE("S6: the description in a multipart, boundary quoted or not") {
    for (const std::string boundary : {"b1", "\"b1\"", "b1; x=y", "\"b1\" ;type=\"application/sdp\""}) {
        CAPTURE(boundary);
        const Found f(
            "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n",
            "preamble --b1\r\n--b1 \t\r\n" +
                part("Content-Type: text/plain\r\n", "--b2\r\n--b1x\r\nv=0\r\n") + "\r\n--b1\r\n" +
                part(
                    "content-type: application/sdp\r\nContent-Length: 32\r\nContent-Disposition: session\r\n",
                    sdp) +
                "\r\n--b1\r\n" + part("c: application/pidf+xml\r\n", "<x/>") +
                "\r\n--b1--\r\nepilogue\r\n--b1\r\n" + part("c: application/sdp\r\n", sdp) +
                "\r\n--b1--\r\n");
        REQUIRE(f.bodies.sdp.size() == 1);
        CHECK(f.bodies.sdp[0].text == sdp);
        REQUIRE(f.bodies.sdp[0].content_length);
        CHECK(*f.bodies.sdp[0].content_length == "32");
        CHECK(!f.bodies.sealed);
    }
}

TEST_CASE("S6: a boundary with every allowed byte; LF lines; binary parts") {
    const std::string boundary = "=_'()+_,-./:=? x";
    const Found f("Content-Type: multipart/related;boundary=\"" + boundary + "\"\n",
                  "--" + boundary + "\n" +
                      part("Content-Type: application/octet-stream\n", "\0\xff\n\n--\0-"s) + "\n--" +
                      boundary + "\n" + part("Content-Type: application/sdp\n", "v=0\ns=-") + "\n--" +
                      boundary + "--");
    REQUIRE(f.bodies.sdp.size() == 1);
    CHECK(f.bodies.sdp[0].text == "v=0\ns=-");
}

TEST_CASE("D7: several descriptions, and a multipart that is nested too deeply") {
    const std::string inner =
        "--in\r\n" + part("c: application/sdp\r\n", "v=0\r\ns=2\r\n") + "\r\n--in\r\n" +
        part("c: multipart/mixed;boundary=deep\r\n",
             "--deep\r\n" + part("c: application/sdp\r\n", "v=0\r\ns=deep\r\n") + "\r\n--deep--") +
        "\r\n--in--";
    const Found f("Content-Type: multipart/mixed;boundary=out\r\n",
                  "--out\r\n" + part("c: application/sdp\r\n", "v=0\r\ns=1\r\n") + "\r\n--out\r\n" +
                      part("c: multipart/alternative;boundary=in\r\n", inner) + "\r\n--out--\r\n");
    REQUIRE(f.bodies.sdp.size() == 2);
    CHECK(f.bodies.sdp[0].text == "v=0\r\ns=1\r\n");
    CHECK(f.bodies.sdp[1].text == "v=0\r\ns=2\r\n");

    std::string many;
    for (std::size_t i = 0; i <= Bodies::max_sdp; ++i)
        many += "--b\r\nc: application/sdp\r\n\r\nv=0\r\n\r\n";
    CHECK(Found("c: multipart/mixed;boundary=b\r\n", many + "--b--").bodies.sdp.size() == Bodies::max_sdp);
}

TEST_CASE("D7: a missing or wrong boundary yields none") {
    const std::string body = "--b1\r\nc: application/sdp\r\n\r\nv=0\r\n\r\n";
    for (const std::string boundary :
         {"", ";boundary=b2", ";boundary=", ";boundary=\"\"", ";boundary=b1x", ";boundary=B1", ";boundary"})
        CHECK_MESSAGE(Found("c: multipart/mixed" + boundary + "\r\n", body + "--b1--").bodies.sdp.size() == 0,
                      boundary);
    CHECK(Found("c: multipart/mixed;boundary=b1\r\n", "--b1--\r\n" + body + "--b1--").bodies.sdp.size() == 0);
    CHECK(Found("c: multipart/mixed;boundary=b1\r\n", "--b1\r\nno header line\r\n--b1--").bodies.sdp.size() ==
          0);
    CHECK(Found("c: multipart/mixed;boundary=b1\r\n", "--b1\r\n--b1\r\n\r\n--b1--").bodies.sdp.size() == 0);
    CHECK(Found("c: multipart/mixed;boundary=b1\r\n", "--b1--").bodies.sdp.size() == 0);
}

TEST_CASE("S6: a part's own Content-Length counts only when it is a number") {
    const Found f("c: multipart/mixed;boundary=b\r\n",
                  "--b\r\nl: x\r\nc: application/sdp\r\n\r\nv=0\r\n--b--");
    REQUIRE(f.bodies.sdp.size() == 1);
    CHECK(f.bodies.sdp[0].text == "v=0");
    CHECK(!f.bodies.sdp[0].content_length);
}

TEST_CASE("S6: parts that are not text are skipped") {
    const auto with = [](const std::string& header) {
        return Found("c: multipart/mixed;boundary=b\r\n",
                     "--b\r\nc: application/sdp\r\n" + header + "\r\nv=0\r\n\r\n--b--")
            .bodies;
    };
    for (const std::string header : {"Content-Transfer-Encoding: base64\r\n",
                                     "content-transfer-encoding: Quoted-Printable\r\n", "e: gzip\r\n"}) {
        CHECK_MESSAGE(with(header).sdp.size() == 0, header);
        CHECK_MESSAGE(!with(header).sealed, header);
    }
    for (const std::string header :
         {"Content-Transfer-Encoding: binary\r\n", "Content-Transfer-Encoding: 8bit\r\n", "e: identity\r\n"})
        CHECK_MESSAGE(with(header).sdp.size() == 1, header);
    CHECK(Found("c: application/sdp\r\nContent-Transfer-Encoding: base64\r\n", "dj0w").bodies.sdp.size() ==
          0);
}

TEST_CASE("S5: signed, encrypted and encoded bodies are sealed") {
    const std::string parts =
        "--b\r\nc: application/sdp\r\n\r\nv=0\r\n\r\n--b\r\nc: application/pkcs7-signature\r\n\r\nx\r\n--b--";
    Found f("c: multipart/signed;protocol=\"application/pkcs7-signature\";boundary=b\r\n", parts);
    CHECK(f.bodies.sealed);
    REQUIRE(f.bodies.sdp.size() == 1);
    CHECK(f.bodies.sdp[0].text == "v=0\r\n");

    CHECK(Found("c: multipart/encrypted;boundary=b\r\n", parts).bodies.sealed);
    CHECK(Found("c: multipart/encrypted;boundary=b\r\n", parts).bodies.sdp.size() == 0);
    CHECK(Found("c: Application/PKCS7-MIME; smime-type=enveloped-data\r\n", "x").bodies.sealed);
    CHECK(Found("c: application/sdp\r\nContent-Encoding: gzip\r\n", sdp).bodies.sealed);
    CHECK(Found("c: application/sdp\r\nContent-Encoding: gzip\r\n", sdp).bodies.sdp.size() == 0);
    CHECK(!Found("c: application/sdp\r\ne: Identity\r\n", sdp).bodies.sealed);
    CHECK(Found("c: application/sdp\r\ne: Identity\r\n", sdp).bodies.sdp.size() == 1);
}

TEST_CASE("S5: a signed part seals, an encrypted one beside the description does not") {
    const auto mixed = [](const std::string& type, const std::string& content) {
        return Found("c: multipart/mixed;boundary=o\r\n",
                     "--o\r\nc: application/sdp\r\n\r\nv=0\r\n\r\n--o\r\nc: " + type + "\r\n\r\n" + content +
                         "\r\n--o--")
            .bodies;
    };
    auto bodies = mixed("multipart/signed;boundary=i", "--i\r\nc: application/sdp\r\n\r\nv=0\r\n--i--");
    CHECK(bodies.sdp.size() == 2);
    CHECK(bodies.sealed);
    bodies = mixed("multipart/signed;boundary=i", "--i\r\nc: text/plain\r\n\r\nv=0\r\n--i--");
    CHECK(bodies.sdp.size() == 1);
    CHECK(!bodies.sealed);
    bodies = mixed("application/pkcs7-mime", "x");
    CHECK(bodies.sdp.size() == 1);
    CHECK(!bodies.sealed);
}

TEST_CASE("S5: auth-int seals when it is used, not when it is only offered or named in a string") {
    const auto with = [](const std::string& header) {
        return Found("c: application/sdp\r\n" + header + "\r\n", sdp).bodies;
    };
    for (const std::string header :
         {"Authorization: Digest username=\"a\", realm=\"b\", qop=auth-int, nc=00000001",
          "Authorization: Digest qop=\"auth-int\",username=\"a,b\"",
          "authorization: Digest a=b,\r\n QOP = AUTH-INT",
          "Authorization: Digest qop=auth\r\nAuthorization: Digest qop=auth-int",
          "Proxy-Authorization: Digest username=\"\\\"\", qop=auth-int",
          "Authentication-Info: qop=auth-int, rspauth=\"x\"",
          "Authentication-Info: nextnonce=\"x\", qop=auth-int",
          // A quote that never closes hides nothing: in doubt the body stays.
          "Proxy-Authorization: Digest a=\"open, qop=auth-int"}) {
        CHECK_MESSAGE(with(header).sealed, header);
        CHECK_MESSAGE(with(header).sdp.size() == 1, header);
    }
    for (const std::string header :
         {"Authorization: Digest username=\"a\", qop=auth, nc=1",
          "Authorization: Digest username=\", qop=auth-int,\", qop=auth",
          "Authorization: Digest username=\"qop=auth-int\"", "Authorization: Digest xqop=auth-int",
          "WWW-Authenticate: Digest qop=\"auth,auth-int\"", "Authorization: qop"})
        CHECK_MESSAGE(!with(header).sealed, header);
}
