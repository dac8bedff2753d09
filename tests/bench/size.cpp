// Measures the memory of calls, and the cost of a message while many are open (P5): calls are opened through
// inspect() and stay open; then some of them end and begin again, and are timed.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "tests/bench/message.hpp"
#include "tests/bench/replay.hpp"

namespace bench {

namespace {

using sipalg::Side;
using Clock = std::chrono::steady_clock;

constexpr std::size_t calls_of_a_phone = 100;
constexpr std::size_t phones_of_an_address = 100;  // 20,000 media ports of each public address
constexpr std::size_t probes = 100;
constexpr std::size_t default_rounds = 31;

sipalg::Policy roomy(std::size_t calls) {
    sipalg::Policy policy;
    policy.max_calls = policy.max_calls_per_peer = calls + calls / 4 + 1000;
    policy.max_mappings = 5 * calls + 4000;
    return policy;
}

double resident_bytes() {
    std::ifstream file("/proc/self/statm");
    double total = 0, resident = 0;
    file >> total >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// The router with its provider and as many phones as there are calls for.
class Town {
  public:
    explicit Town(std::size_t calls) : state_(roomy(calls)) {}

    /// INVITE, 200 and ACK of the n-th call.
    void open(std::size_t n) {
        const Ends ends = ends_of(n);
        Dialog dialog = dialog_of(n);
        exchange("INVITE", dialog, ends, 30000);
        establish(dialog);
        out("ACK", dialog, ends);
    }
    /// BYE and 200.
    void close(std::size_t n) {
        Dialog dialog = dialog_of(n);
        establish(dialog);
        ++dialog.cseq;
        exchange("BYE", dialog, ends_of(n), 0);
    }

    sipalg::Totals totals() const { return sipalg::totals(state_); }
    /// For the core alone, since the last call of this function.
    double take_ns() { return std::exchange(ns_, 0.0); }

  private:
    struct Ends {
        Endpoint phone, router;
        sipalg::Egress egress;
    };
    static Ends ends_of(std::size_t n) {
        const std::size_t phone = n / calls_of_a_phone;
        Ends ends;
        ends.phone = {"192.168." + std::to_string(1 + phone / 200) + "." + std::to_string(10 + phone % 200),
                      5060};
        ends.router = {"203.0.113." + std::to_string(10 + phone / phones_of_an_address), 5060};
        ends.egress.address = ends.egress.advertised = *sipalg::Address::parse(ends.router.address);
        return ends;
    }
    Dialog dialog_of(std::size_t n) const {
        Dialog dialog;
        const std::string number = std::to_string(1000000 + n);
        dialog.call_id = number + "-8c21f0aa-4f2a91c07b@desk";
        dialog.from_tag = number;
        dialog.target = "sip:echo@" + provider_.address;
        dialog.to = "<" + dialog.target + ">";
        dialog.media_port = static_cast<std::uint16_t>(
            20000 + 200 * (n / calls_of_a_phone % phones_of_an_address) + 2 * (n % calls_of_a_phone));
        return dialog;
    }
    void establish(Dialog& dialog) const {
        dialog.to += ";tag=p7f31c";
        dialog.target = "sip:trunk@" + provider_.text();
    }
    std::string out(const char* method, Dialog& dialog, const Ends& ends) {
        dialog.branch = "z9hG4bK" + dialog.from_tag + method;
        write_request(message_, method, dialog, ends.phone, provider_);
        return pass(Side::inside, packet(ends.phone, provider_, message_), ends);
    }
    void exchange(const char* method, Dialog& dialog, const Ends& ends, std::uint16_t media_port) {
        const std::string seen = out(method, dialog, ends);
        write_ok(message_, seen, ends.router, provider_, media_port);
        pass(Side::outside, packet(provider_, ends.phone, message_), ends);
    }
    std::string pass(Side from, const Packet& bytes, const Ends& ends) {
        const auto begin = Clock::now();
        sipalg::Arrival arrival{from, bytes, ends.egress};
        arrival.established = from == Side::outside;
        sipalg::inspect(state_, arrival, now_, decision_);
        state_.commit();
        ns_ += std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
        if (!decision_.rewritten) throw std::runtime_error("a message was not rewritten: " + message_);
        return decision_.payload;
    }

    const Endpoint provider_{"203.0.113.2", 5060};
    sipalg::State state_;
    sipalg::Decision decision_;
    sipalg::Time now_{1000};
    std::string message_;
    double ns_ = 0;
};

// Uses each call once, because a call that has just begun again differs from the others.
std::size_t probes_of(std::size_t calls) {
    return std::min(calls, probes);
}

std::size_t batch_messages(std::size_t calls) {
    return 5 * probes_of(calls);  // five messages a call
}

}  // namespace

// Other calls in each round, spread over the table, so that they are not in a cache. callgrind dumps its
// counts around it.
[[gnu::noinline]] void replay_batch(Town& town, std::size_t calls, std::size_t round) {
    const std::size_t apart = calls / probes_of(calls);
    for (std::size_t probe = 0; probe < probes_of(calls); ++probe) {
        const std::size_t n = (probe * apart + round) % calls;
        town.close(n);
        town.open(n);
    }
}

[[gnu::noinline]] void note_batch(Town& town, std::size_t calls, std::vector<double>& ns) {
    ns.push_back(town.take_ns() / static_cast<double>(batch_messages(calls)));
}

namespace {

void run(std::size_t calls, std::size_t rounds) {
    Town town(calls);
    const double before = resident_bytes();
    for (std::size_t n = 0; n < calls; ++n)
        town.open(n);
    const double after = resident_bytes();
    if (town.totals().calls != calls) throw std::runtime_error("not all calls are open");
    std::vector<double> ns;
    for (std::size_t round = 0; round < rounds; ++round) {
        town.take_ns();
        replay_batch(town, calls, round);
        note_batch(town, calls, ns);
    }
    std::sort(ns.begin(), ns.end());
    std::printf(
        "{\"calls\": %zu, \"resident_kib\": %.0f, \"bytes_a_call\": %.0f, \"ns_a_message\": %.0f, "
        "\"batch_messages\": %zu}\n",
        calls, after / 1024, (after - before) / static_cast<double>(calls), ns[ns.size() / 2],
        batch_messages(calls));
}

// Calls that have ended, each before the next begins, and are kept for late messages.
void run_closed(std::size_t calls) {
    Town town(calls);
    const double before = resident_bytes();
    for (std::size_t n = 0; n < calls; ++n) {
        town.open(n);
        town.close(n);
    }
    const double after = resident_bytes();
    if (town.totals().calls != 0) throw std::runtime_error("not all calls are closed");
    std::printf("{\"calls\": %zu, \"resident_kib\": %.0f, \"bytes_a_call\": %.0f}\n", calls, after / 1024,
                (after - before) / static_cast<double>(calls));
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    const long calls = argc >= 2 ? std::strtol(argv[1], nullptr, 10) : 0;
    const bool closed = argc == 3 && std::string(argv[2]) == "closed";
    const long rounds =
        argc == 3 && !closed ? std::strtol(argv[2], nullptr, 10) : long{bench::default_rounds};
    if (argc > 3 || calls < 1 || calls > 200000 || rounds < 1) {
        std::fprintf(stderr, "usage: size_bench CALLS (1 to 200000) [ROUNDS (31) | closed]\n");
        return 2;
    }
    try {
        if (closed)
            bench::run_closed(static_cast<std::size_t>(calls));
        else
            bench::run(static_cast<std::size_t>(calls), static_cast<std::size_t>(rounds));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "size_bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
