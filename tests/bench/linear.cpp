// Tests that reading and rewriting are linear in the size of any input (X6): hostile messages of two sizes
// through inspect(), out and in.
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/hostile.hpp"
#include "tests/bench/replay.hpp"

namespace bench {

namespace {

const std::string router = "203.0.113.1";
constexpr std::size_t small = 8 * 1024, large = 64000;
constexpr sipalg::Time now{1000};

struct Pass {
    const char* name;
    std::size_t bytes;
    sipalg::Side from;
    Packet packet;
};

std::vector<Pass> make_passes() {
    const Endpoint phone{"192.168.1.10", 5060}, peer{"203.0.113.10", 5060};
    std::vector<Pass> passes;
    for (const std::size_t size : {small, large})
        for (const Hostile& hostile : hostile_messages(size)) {
            passes.push_back(
                {hostile.name, hostile.text.size(), sipalg::Side::inside, packet(phone, peer, hostile.text)});
            passes.push_back({hostile.name, hostile.text.size(), sipalg::Side::outside,
                              packet(peer, phone, hostile.text)});
        }
    return passes;
}

// Functions of their own, so that callgrind can be told where a message begins and ends.
[[gnu::noinline]] sipalg::Reason replay_batch(Core& core, const Pass& pass) {
    return core.take(pass.from, pass.packet, now).reason;
}
[[gnu::noinline]] void note_batch(const Pass& pass, sipalg::Reason reason, const char* comma) {
    const std::string_view why = sipalg::word(reason);
    std::printf("%s\n{\"message\": \"%s\", \"bytes\": %zu, \"way\": \"%s\", \"reason\": \"%.*s\"}", comma,
                pass.name, pass.bytes, pass.from == sipalg::Side::inside ? "out" : "in",
                static_cast<int>(why.size()), why.data());
}

}  // namespace
}  // namespace bench

int main() {
    try {
        bench::Core core(bench::router, 100);
        const auto passes = bench::make_passes();
        for (const bench::Pass& pass : passes)
            core.take(pass.from, pass.packet, bench::now);  // buffers have their size from here on
        const char* comma = "[";
        for (const bench::Pass& pass : passes) {
            bench::note_batch(pass, bench::replay_batch(core, pass), comma);
            comma = ",";
        }
        std::printf("\n]\n");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "linear_bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
