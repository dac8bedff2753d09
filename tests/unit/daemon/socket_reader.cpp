#include "alg/daemon/run/socket_reader.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <future>
#include <stdexcept>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

std::vector<Socket> one_socket(std::uint16_t port) {
    return {{Transport::udp, {Address::v4(0), port}}};
}

bool readable(const SocketReader& reader, int milliseconds) {
    pollfd ready{reader.descriptor(), POLLIN, 0};
    return poll(&ready, 1, milliseconds) == 1;
}

}  // namespace

TEST_CASE("X2 own sockets are read by another thread, and the request does not wait for it") {
    std::promise<void> go;
    const auto gate = go.get_future().share();
    SocketReader reader([gate] {
        gate.wait();
        return one_socket(53);
    });
    reader.request();  // returns, although the read is not done
    CHECK_FALSE(reader.take());
    go.set_value();
    REQUIRE(readable(reader, 10'000));
    CHECK(reader.take() == one_socket(53));
    CHECK_FALSE(readable(reader, 0));
    CHECK_FALSE(reader.take());
}

TEST_CASE("X2 requests during a read are answered by one more read") {
    std::atomic<int> reads{0};
    std::promise<void> began, go;
    const auto gate = go.get_future().share();
    SocketReader reader([&, gate] {
        if (++reads == 1) began.set_value();
        gate.wait();
        return one_socket(static_cast<std::uint16_t>(reads.load()));
    });
    reader.request();
    began.get_future().wait();
    for (int i = 0; i < 100; ++i)
        reader.request();
    go.set_value();
    std::vector<Socket> last;
    while (last != one_socket(2)) {
        REQUIRE(readable(reader, 10'000));
        if (auto sockets = reader.take()) last = std::move(*sockets);
    }
    CHECK_FALSE(readable(reader, 50));
    CHECK(reads == 2);
}

TEST_CASE("X2 a read that fails leaves the reader usable") {
    std::atomic<bool> fails{true};
    std::promise<void> failed;
    SocketReader reader([&]() -> std::vector<Socket> {
        if (fails.exchange(false)) {
            failed.set_value();
            throw std::runtime_error("no memory");
        }
        return one_socket(5060);
    });
    reader.request();
    failed.get_future().wait();
    reader.request();
    REQUIRE(readable(reader, 10'000));
    CHECK(reader.take() == one_socket(5060));
}
