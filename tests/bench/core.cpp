// Measures the cost of a message in the core: OPTIONS and a call, replayed in memory through inspect() and
// commit(), without kernel, queue or socket.
//
// Many calls go in lock-step - every OPTIONS, then every INVITE, and so on - so that each kind of message is
// one batch that can be timed as a whole, and one function that callgrind can name.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "tests/bench/message.hpp"
#include "tests/bench/replay.hpp"

namespace {

using bench::Core;
using bench::Packet;
using bench::packet;
using sipalg::Decision;
using sipalg::Side;
using Clock = std::chrono::steady_clock;

const bench::Endpoint phone{"192.168.1.10", 5060}, provider{"203.0.113.2", 5060}, router{"203.0.113.1", 5060};
constexpr std::uint16_t first_media_port = 20000;
constexpr sipalg::Time step{1000};

/// One kind of message, once for every call.
struct Batch {
    const char* name;
    Side from;
    std::vector<Packet> packets;
    std::size_t bytes = 0;      ///< of SIP, all packets together
    std::size_t rewritten = 0;  ///< packets
    std::size_t changes = 0;    ///< changes of elements for the kernel
    double ns = 0;              ///< best of the repetitions, a message
};

/// The messages as each side sends them: the phone's with its inside address, the provider's in answer to the
/// phone's rewritten message.
class Script {
  public:
    explicit Script(std::size_t calls) : core_(router.address, calls), dialogs_(calls) {
        for (std::size_t i = 0; i < calls; ++i) {
            bench::Dialog& dialog = dialogs_[i];
            const std::string number = std::to_string(100000 + i);
            dialog.call_id = number + "-8c21f0aa-4f2a91c07b@desk";
            dialog.from_tag = number + "8c21f0aa";
            dialog.target = "sip:echo@" + provider.address;
            dialog.to = "<" + dialog.target + ">";
            dialog.media_port = static_cast<std::uint16_t>(first_media_port + 2 * (i % 5000));
        }
        exchange("OPTIONS", "200 (OPTIONS)", false);
        exchange("INVITE", "200 (INVITE)", true);
        for (bench::Dialog& dialog : dialogs_) {
            dialog.to += ";tag=p7f31c";
            dialog.target = "sip:trunk@" + provider.text();
        }
        request("ACK", "ack");
        for (bench::Dialog& dialog : dialogs_)
            ++dialog.cseq;
        exchange("BYE", "200 (BYE)", false);
    }

    std::vector<Batch>& batches() { return batches_; }

  private:
    std::vector<std::string> request(const char* name, const char* branch) {
        batches_.push_back({.name = name, .from = Side::inside, .packets = {}});
        std::vector<std::string> sent;
        std::string message;
        for (bench::Dialog& dialog : dialogs_) {
            dialog.branch = "z9hG4bK" + dialog.from_tag + branch + std::to_string(dialog.cseq);
            bench::write_request(message, name, dialog, phone, provider);
            sent.push_back(pass(packet(phone, provider, message), message));
        }
        now_ += step;
        return sent;
    }

    void exchange(const char* name, const char* answer_name, bool media) {
        const std::vector<std::string> requests = request(name, name);
        batches_.push_back({.name = answer_name, .from = Side::outside, .packets = {}});
        std::string message;
        std::size_t i = 0;
        for (const std::string& seen : requests) {
            const std::size_t port = media ? 30000 + 2 * (i++ % 5000) : 0;
            bench::write_ok(message, seen, router, provider, static_cast<std::uint16_t>(port));
            pass(packet(provider, phone, message), message);
        }
        now_ += step;
    }

    /// Adds the packet to the last batch; returns the rewritten message.
    std::string pass(Packet bytes, const std::string& message) {
        Batch& batch = batches_.back();
        const Decision& decision = core_.take(batch.from, bytes, now_);
        batch.bytes += message.size();
        batch.rewritten += decision.rewritten ? 1 : 0;
        batch.changes += decision.changes.size();
        batch.packets.push_back(std::move(bytes));
        return decision.rewritten ? decision.payload : message;
    }

    Core core_;
    sipalg::Time now_ = step;
    std::vector<bench::Dialog> dialogs_;
    std::vector<Batch> batches_;
};

/// The measured code. It and note_batch() are separate functions, so that callgrind can be told where a batch
/// begins and ends.
[[gnu::noinline]] std::size_t replay_batch(Core& core, const Batch& batch, sipalg::Time now) {
    std::size_t rewritten = 0;
    for (const Packet& bytes : batch.packets)
        rewritten += core.take(batch.from, bytes, now).rewritten ? 1 : 0;
    return rewritten;
}

[[gnu::noinline]] void note_batch(Batch& batch, std::size_t rewritten,
                                  std::chrono::duration<double, std::nano> took) {
    if (rewritten != batch.rewritten) throw std::runtime_error("a replay differs from the first run");
    const double ns = took.count() / static_cast<double>(batch.packets.size());
    if (batch.ns <= 0 || ns < batch.ns) batch.ns = ns;
}

void repeat(std::vector<Batch>& batches, std::size_t calls, int repetitions) {
    for (int r = 0; r < repetitions; ++r) {
        Core core(router.address, calls);
        sipalg::Time now = step;
        for (Batch& batch : batches) {
            const auto begin = Clock::now();
            const std::size_t rewritten = replay_batch(core, batch, now);
            note_batch(batch, rewritten, Clock::now() - begin);
            now += step;
        }
        if (core.totals().pinholes != 0) throw std::runtime_error("pinholes are left after BYE");
    }
}

}  // namespace

int main(int argc, char** argv) {
    const long calls = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 256;
    const long repetitions = argc > 2 ? std::strtol(argv[2], nullptr, 10) : 20;
    if (argc > 3 || calls < 1 || calls > 5000 || repetitions < 1 || repetitions > 10000) {
        std::fprintf(stderr, "usage: core_bench [CALLS (1 to 5000, 256)] [REPETITIONS (20)]\n");
        return 2;
    }
    try {
        Script script(static_cast<std::size_t>(calls));
        std::vector<Batch>& batches = script.batches();
        repeat(batches, static_cast<std::size_t>(calls), static_cast<int>(repetitions));
        std::printf("{\"calls\": %ld, \"repetitions\": %ld, \"messages\": [", calls, repetitions);
        const char* comma = "";
        for (const Batch& batch : batches) {
            const auto count = static_cast<double>(batch.packets.size());
            std::printf(
                "%s\n  {\"name\": \"%s\", \"bytes\": %.0f, \"rewritten\": %.2f, \"changes\": %.2f, \"ns\": "
                "%.0f}",
                comma, batch.name, static_cast<double>(batch.bytes) / count,
                static_cast<double>(batch.rewritten) / count, static_cast<double>(batch.changes) / count,
                batch.ns);
            comma = ",";
        }
        std::printf("\n]}\n");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "core_bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
