// Random calls against the reference model (SPEC section 5).
//   call_model [SEED [RUNS [STEPS]]]     RUNS runs from SEED on, of STEPS steps each
// A run that fails is shortened as long as it still fails in the same way, and printed as a ladder.
#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "tests/model/world.hpp"

namespace sipalg::model {

namespace {

// The relative frequency of each kind, in the order of Kind.
constexpr std::array<unsigned, kinds> weights{6, 60, 6, 10, 14, 10, 4, 4, 2, 14, 20, 8, 10, 4, 4, 9, 2, 1};

Kind any_kind(Dice& dice) {
    constexpr unsigned total = std::accumulate(weights.begin(), weights.end(), 0U);
    auto at = static_cast<unsigned>(dice.below(total));
    std::size_t kind = 0;
    while (at >= weights[kind])
        at -= weights[kind++];
    return static_cast<Kind>(kind);
}

struct Run {
    std::vector<Step> steps;  ///< those that had an effect, and the one that failed
    std::size_t packets = 0;
    std::string failure;  ///< empty: none
    std::vector<std::string> ladder;
};

Run invent(std::uint64_t seed, std::size_t count) {
    Run run;
    Dice dice(seed);
    try {
        World world(false);
        while (run.steps.size() < count) {
            run.steps.push_back({any_kind(dice), dice.roll()});
            if (!world.play(run.steps.back())) run.steps.pop_back();
        }
        run.packets = world.packets();
        world.finish();
    } catch (const std::exception& error) {
        run.failure = error.what();
    }
    return run;
}

Run replay(const std::vector<Step>& steps, bool told) {
    Run run;
    World world(told);
    try {
        for (const Step& step : steps)
            if (world.play(step)) run.steps.push_back(step);
        world.finish();
    } catch (const std::exception& error) {
        run.failure = error.what();
        world.tell("here it fails");
    }
    run.ladder = world.ladder();
    return run;
}

// The kind of a failure, without its values.
std::string kind_of(const std::string& failure) {
    return failure.substr(0, failure.find_first_of("0123456789", 4));
}

std::vector<Step> shrunk(std::vector<Step> steps, const std::string& failure) {
    for (std::size_t size = steps.size() / 2; size > 0;) {
        bool shorter = false;
        for (std::size_t at = 0; at + 1 <= steps.size();) {
            std::vector<Step> fewer = steps;
            const std::size_t end = std::min(at + size, steps.size());
            fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                        fewer.begin() + static_cast<std::ptrdiff_t>(end));
            if (kind_of(replay(fewer, false).failure) == kind_of(failure)) {
                steps = std::move(fewer);
                shorter = true;
            } else {
                at += size;
            }
        }
        if (!shorter || size > 1) size /= 2;
    }
    return steps;
}

void print(const char* title, const Run& run) {
    std::printf("%s (%zu steps):\n", title, run.steps.size());
    for (const std::string& line : run.ladder)
        std::printf("%s\n", line.c_str());
    std::printf("  ==> %s\n\n", run.failure.c_str());
}

}  // namespace

}  // namespace sipalg::model

int main(int argc, char** argv) {
    using namespace sipalg::model;
    const auto argument = [&](int i, unsigned long value) { return argc > i ? std::stoul(argv[i]) : value; };
    const unsigned long seed = argument(1, 1), runs = argument(2, 500), steps = argument(3, 200);
    std::size_t done = 0, packets = 0;
    for (unsigned long i = 0; i < runs; ++i) {
        const Run run = invent(seed + i, steps);
        done += run.steps.size();
        packets += run.packets;
        if (run.failure.empty()) continue;
        std::printf("seed %lu fails; again with: call_model %lu 1 %lu\n", seed + i, seed + i, steps);
        print("the whole run", replay(run.steps, true));
        print("shrunk", replay(shrunk(run.steps, run.failure), true));
        return 1;
    }
    std::printf("%lu runs, %zu steps, %zu packets: router and reference agree\n", runs, done, packets);
    return packets > done / 10 ? 0 : 1;  // else the runs contain too few messages of calls
}
