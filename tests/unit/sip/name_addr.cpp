#include "alg/sip/name_addr.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "alg/sip/uri.hpp"

using namespace sipalg::sip;

namespace {
/// All values of a header; next_uri() finds the same URIs.
std::vector<NameAddr> all(std::string_view value) {
    std::vector<NameAddr> result;
    std::string_view rest = value;
    while (const auto next = next_name_addr(value)) {
        result.push_back(*next);
        CHECK(next_uri(rest).data() == next->uri.data());
        CHECK(rest == value);
    }
    CHECK(value.empty());
    CHECK(next_uri(rest).empty());
    return result;
}
}  // namespace

TEST_CASE("S10: name-addr with display names, quotes and escapes") {
    auto v =
        all("\"Smith, <John>; \\\"x\\\\\" <sip:john@192.168.1.10>;expires=60;q=\"0,5\" , Bob<sip:bob@b>");
    REQUIRE(v.size() == 2);
    CHECK(v[0].uri == "sip:john@192.168.1.10");
    CHECK(v[0].parameters == "expires=60;q=\"0,5\"");
    CHECK(v[0].text.back() == '"');
    CHECK(v[1].uri == "sip:bob@b");
    CHECK(v[1].text == "Bob<sip:bob@b>");
    CHECK(v[1].parameters.empty());
}

TEST_CASE("S10: commas and semicolons inside brackets are the URI's") {
    const auto v = all("<sip:a,b;c@h;lr>;x, <sip:d@h?X=1,2>");
    REQUIRE(v.size() == 2);
    CHECK(v[0].uri == "sip:a,b;c@h;lr");
    CHECK(v[0].parameters == "x");
    CHECK(v[1].uri == "sip:d@h?X=1,2");
}

TEST_CASE("S10: without brackets parameters belong to the header (RFC 3261 20.10)") {
    const auto v = all(" sip:+19725552222@gw1.example.net ;\r\n unknownparam , sip:b@c\t");
    REQUIRE(v.size() == 2);
    CHECK(v[0].uri == "sip:+19725552222@gw1.example.net");
    CHECK(v[0].parameters == "unknownparam");
    CHECK(v[0].text == "sip:+19725552222@gw1.example.net ;\r\n unknownparam");
    CHECK(v[1].text == "sip:b@c");
}

TEST_CASE("S10: folds between all parts of a name-addr") {
    const auto v =
        all("\"Quoted string \\\"\\\"\" <sip:jd@example.com> ; newparam =\r\n      newvalue ;\r\n  q = 0.33");
    REQUIRE(v.size() == 1);
    CHECK(v[0].uri == "sip:jd@example.com");
    CHECK(parameter(v[0].parameters, "newparam") == "newvalue");
    CHECK(parameter(v[0].parameters, "q") == "0.33");
}

TEST_CASE("S3: the star of Contact") {
    const auto v = all(" * ");
    REQUIRE(v.size() == 1);
    CHECK(v[0].star);
    CHECK(v[0].text == "*");
    CHECK(!all("<*>")[0].star);
    CHECK(!all("sip:*@h")[0].star);
}

TEST_CASE("S10: empty list elements are skipped") {
    CHECK(all("").empty());
    CHECK(all(" , ,\r\n ,").empty());
    CHECK(all(",<sip:a@b>,,<sip:c@d>,").size() == 2);
}

TEST_CASE("S9: a value that cannot be read affects only that value") {
    CHECK(all("<>").empty());
    CHECK(all(";x=y").empty());
    const auto v = all("<>;x, ;y , <sip:a@b>");
    REQUIRE(v.size() == 1);
    CHECK(v[0].uri == "sip:a@b");
}

TEST_CASE("S9: display names and brackets that RFC 3261 forbids") {
    const auto uris = [](std::string_view value) {
        std::string result;
        for (const NameAddr& entry : all(value)) {
            result += std::string(entry.uri) + "|";
            if (const auto x = parameter(entry.parameters, "x")) result += std::string(*x) + "|";
        }
        return result;
    };
    CHECK(uris("\"open <sip:a@b>;x=1") == "sip:a@b|1|");
    CHECK(uris("\"open\\\" <sip:a@b>;x=1") == "sip:a@b|1|");
    CHECK(uris("\"Al\"ice\" <sip:a@b>;x=\"1\"") == "sip:a@b|\"1\"|");
    CHECK(uris("\"open <sip:a@b>, \"Bob\" <sip:c@d>;x=1") == "sip:a@b|sip:c@d|1|");
    CHECK(uris("Al\"ice <sip:a@b>, B\"ob <sip:c@d>") == "sip:a@b|sip:c@d|");
    CHECK(uris("Bell, Alexander <sip:a@b>, Watson; Thomas <sip:c@d>") == "sip:a@b|sip:c@d|");
    CHECK(uris("\"<x>\", y <sip:a@b>") == "sip:a@b|");
    CHECK(uris("sip:a@b, c <sip:d@e>") == "sip:a@b|sip:d@e|");
    CHECK(uris("<sip:a@b") == "sip:a@b|");
    CHECK(uris("<sip:a@b;x=1, <sip:c@d>") == "sip:a@b;x=1|1|sip:c@d|");
    CHECK(uris("<<sip:a@b>>;x=1") == "sip:a@b|1|");
    CHECK(uris("< sip:a@b >;x=1") == "sip:a@b|1|");
    CHECK(uris("<sip:a@b> y;x=1, <sip:c@d> z") == "sip:a@b|1|sip:c@d|");
    CHECK(uris("Alice <home> <sip:a@b>;x=1") == "sip:a@b|1|");
    CHECK(uris("<2nd> Alice <home> <sip:a@b>, <c@d> <e>") == "sip:a@b|c@d|");
    CHECK(uris("Alice <home>, Bob <sip:c@d>") == "home|sip:c@d|");
    CHECK(uris("\"" + std::string(100, 'n') + "; <sip:a@b>;x=1") == "sip:a@b|1|");
    CHECK(uris("<sip:a@b>;x=\"open, <sip:c@d>") == "sip:a@b|\"open|sip:c@d|");
    CHECK(uris("<sip:a@b>;x=\\\"1, <sip:c@d>") == "sip:a@b|\\\"1|sip:c@d|");
    CHECK(uris("\"\" <sip:a@b>") == "sip:a@b|");
}
