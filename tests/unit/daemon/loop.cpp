#include "alg/daemon/run/loop.hpp"

#include <doctest/doctest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <csignal>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

struct Pipe {
    Fd reading, writing;
    Pipe() {
        std::array<int, 2> ends{};
        REQUIRE(pipe(ends.data()) == 0);
        reading = Fd(ends[0]);
        writing = Fd(ends[1]);
    }
    void fill() const { REQUIRE(write(writing.get(), "x", 1) == 1); }
};

}  // namespace

TEST_CASE("the loop wakes up at the deadline of the step, not before") {
    Loop loop;
    const Time deadline = loop.now() + Time(20);
    int calls = 0;
    loop.after_wake_up([&](Time now) -> std::optional<Time> {
        ++calls;
        if (now >= deadline) loop.stop();
        return deadline;
    });
    loop.run();
    CHECK(loop.now() >= deadline);
    CHECK(calls >= 2);
}

TEST_CASE("an earlier deadline replaces a later one") {
    Loop loop;
    const Time start = loop.now();
    bool first = true;
    const Pipe pipe;
    pipe.fill();
    loop.add(pipe.reading.get(), EPOLLIN, [&](std::uint32_t) { loop.remove(pipe.reading.get()); });
    loop.after_wake_up([&](Time now) -> std::optional<Time> {
        if (now >= start + Time(10)) loop.stop();
        return std::exchange(first, false) ? start + Time(60'000) : start + Time(10);
    });
    loop.run();
    CHECK(loop.now() < start + Time(50'000));
}

TEST_CASE("a handler may remove another one whose event is already waiting") {
    Loop loop;
    const Pipe a, b;
    a.fill();
    b.fill();
    int calls = 0;
    const auto handler = [&](std::uint32_t) {
        ++calls;
        loop.remove(a.reading.get());
        loop.remove(b.reading.get());
        loop.stop();
    };
    loop.add(a.reading.get(), EPOLLIN, handler);
    loop.add(b.reading.get(), EPOLLIN, handler);
    loop.run();
    CHECK(calls == 1);
}

TEST_CASE("signals arrive as events") {
    Loop loop;
    int got = 0;
    loop.on_signals({SIGUSR1}, [&](int signal) {
        got = signal;
        loop.stop();
    });
    kill(getpid(), SIGUSR1);
    loop.run();
    CHECK(got == SIGUSR1);
}
