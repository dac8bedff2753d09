#include "alg/facts/mask.hpp"

#include <doctest/doctest.h>

using sipalg::facts::mask_credentials;
using sipalg::facts::mask_numbers;

TEST_CASE("X9 the response of a digest is hidden, and nothing else of the message changes") {
    const std::string before =
        "REGISTER sip:r SIP/2.0\r\nAuthorization: Digest username=\"a\",response=\"00ff\",uri=\"sip:r\"\r\n"
        "proxy-authorization:\r\n Digest nonce=\"response=\\\"\", Response = abcd ,\r\n\tcnonce=\"1\"\r\n"
        "Subject: response=\"00ff\"\r\n\r\nAuthorization: Digest response=\"00ff\"\r\n";
    const std::string after =
        "REGISTER sip:r SIP/2.0\r\nAuthorization: Digest username=\"a\",response=\"xxxx\",uri=\"sip:r\"\r\n"
        "proxy-authorization:\r\n Digest nonce=\"response=\\\"\", Response = xxxxx,\r\n\tcnonce=\"1\"\r\n"
        "Subject: response=\"00ff\"\r\n\r\nAuthorization: Digest response=\"00ff\"\r\n";
    CHECK(mask_credentials(before) == after);
}

TEST_CASE("X9 credentials of other schemes are hidden as a whole") {
    CHECK(mask_credentials("Authorization: Bearer secret\n") == "Authorization: Bearerxxxxxxx\n");
    CHECK(mask_credentials("Authorization: Basic YTpi") == "Authorization: Basicxxxxx");
}

TEST_CASE("O9 the last digits of telephone numbers are hidden, and nothing else") {
    CHECK(mask_numbers("call offered: 1234567@192.168.1.10: 192.168.1.10 calls sip:+49-30-1234567@p.test") ==
          "call offered: 1234567@192.168.1.10: 192.168.1.10 calls sip:+49-30-1234xxx@p.test");
    CHECK(mask_numbers("<SIPS:030123456;phone-context=x@p.test>, tel:+4930123456>") ==
          "<SIPS:030123456;phone-context=x@p.test>, tel:+4930123xxx>");
    CHECK(mask_numbers("sip:alice12345@p.test sip:1234@p.test sip:alice@p.test") ==
          "sip:alice12xxx@p.test sip:1234@p.test sip:alice@p.test");
    CHECK(mask_numbers("sip:192.168.100.100:5060 sip:203.0.113.7") ==
          "sip:192.168.100.100:5060 sip:203.0.113.7");
    CHECK(mask_numbers("tel:") == "tel:");
    CHECK(mask_numbers("") == "");
}

TEST_CASE("X9 masking survives anything") {
    for (const char* text : {"", "Authorization", "Authorization:", "Authorization: Digest response=",
                             "Authorization: Digest response=\"", "Authorization: Digest response=\"\\",
                             "\r\n\r\nAuthorization: Digest response=\"a\"", "\n:\n=\n\""})
        CHECK(mask_credentials(text).size() == std::string_view(text).size());
    CHECK(mask_credentials("\r\n\r\nAuthorization: Digest response=\"a\"") ==
          "\r\n\r\nAuthorization: Digest response=\"x\"");
}
