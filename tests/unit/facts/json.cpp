#include "alg/facts/json.hpp"

#include <doctest/doctest.h>

using namespace sipalg::facts;

TEST_CASE("O8 bytes survive base64 (RFC 4648 10)") {
    CHECK(base64("") == "");
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foobar") == "Zm9vYmFy");
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all += static_cast<char>(i);
        CHECK(from_base64(base64(all)) == all);
    }
    for (const char* wrong : {"A", "AA=A", "====", "AAA\n", "A===", "Zg==Zg=="})
        CHECK(!from_base64(wrong));
}
