// Contacts that name another transport than the one that carries the message.
#include <doctest/doctest.h>

#include "tests/unit/tcp/stream_bench.hpp"

using namespace sipalg;
using namespace sipalg::tcp;

TEST_CASE("S3 S4: a Contact over TCP is rewritten with any transport parameter") {
    for (const std::string_view transport : {"tcp", "udp", "UDP", "tls", "ws", "sctp", "foo", ""}) {
        INFO(transport);
        std::string request = message;
        request.replace(request.find("=tcp>") + 1, 3, transport);
        Bench bench;
        bench.open();
        CHECK(bench.send(Side::inside, 0x10, 100, 1000, request) == Texts{as_outside(request)});
        // Nothing opens for it (X3).
        CHECK(bench.state.mappings.pinholes().size() == 0);
    }
}
