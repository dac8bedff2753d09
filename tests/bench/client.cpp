// The phone that measures: it keeps a fixed number of transactions or calls open, and replaces each one that
// ends.
#include <cstdio>
#include <memory>
#include <random>
#include <vector>

#include "tests/bench/latencies.hpp"
#include "tests/bench/sip_load.hpp"
#include "tests/bench/socket.hpp"

namespace bench {
namespace {

// Shorter than RFC 3261's T1, so that a lost packet costs a run of seconds little, but far above any latency
// of a healthy router. After the last one the call is given up: 100 + 200 + 400 + 800 ms.
constexpr auto first_retry = std::chrono::milliseconds(100);
constexpr unsigned transmissions = 4;
// Over TCP the client does not retransmit. If the kernel has not delivered the message in this time, the call
// is given up.
constexpr auto tcp_patience = std::chrono::milliseconds(1500);
constexpr auto tick = std::chrono::milliseconds(10);

std::string hex(std::uint64_t value) {
    char text[17];
    const int length = std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
    return {text, static_cast<std::size_t>(length)};
}

/// One place in the closed loop.
struct Slot {
    enum class Waiting { nothing, options, invite, bye };
    Waiting waiting = Waiting::nothing;
    Dialog dialog;
    std::string request;  ///< as sent, for retransmission
    unsigned sent = 0;    ///< times
    Clock::time_point began, retry;
};

class Loop {
  public:
    explicit Loop(const Options& options)
        : options_(options), socket_(open_phone(options, tick)), slots_(options.outstanding) {}

    void run() {
        using std::chrono::duration_cast;
        const auto start = Clock::now();
        counted_from_ = start + duration_cast<Clock::duration>(options_.warm_up);
        counted_to_ = counted_from_ + duration_cast<Clock::duration>(options_.measured);
        for (Slot& slot : slots_)
            begin(slot, start);
        auto next_look = start + tick;
        Endpoint from;
        while (under_way_ > 0) {
            const auto message = socket_->receive(from);
            const auto now = Clock::now();
            if (message) answered(*message, now);
            if (now >= next_look) {
                for (Slot& slot : slots_)
                    look(slot, now);
                next_look = now + tick;
            }
        }
    }

    void print() {
        const double rate = static_cast<double>(transactions_.size()) / options_.measured.count();
        std::printf(
            "{\"kind\": \"%s\", \"done\": %zu, \"per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
            "\"message_p50_us\": %.1f, \"message_p99_us\": %.1f, \"all\": %lu, \"retransmitted\": %lu, "
            "\"timed_out\": %lu, \"refused\": %lu, "
            "\"responses\": %lu, \"own_via\": %lu}\n",
            options_.calls ? "calls" : "options", transactions_.size(), rate, transactions_.percentile(0.5),
            transactions_.percentile(0.99), messages_.percentile(0.5), messages_.percentile(0.99), finished_,
            retransmitted_, timed_out_, refused_, responses_, own_via_);
    }

  private:
    void begin(Slot& slot, Clock::time_point now) {
        // The number names the slot, so that an answer finds it without a table.
        slot.dialog = new_dialog(options_, serial_++ * slots_.size() + index(slot));
        slot.began = now;
        ++under_way_;
        if (options_.calls)
            slot.dialog.media_port =
                static_cast<std::uint16_t>(options_.media_low + 2 * (serial_ % options_.media_pairs));
        transmit(slot, options_.calls ? "INVITE" : "OPTIONS",
                 options_.calls ? Slot::Waiting::invite : Slot::Waiting::options, now);
    }

    void transmit(Slot& slot, std::string_view name, Slot::Waiting waiting, Clock::time_point now) {
        slot.dialog.branch = new_branch(slot.dialog);
        slot.dialog.sent = now_ns();
        write_request(slot.request, name, slot.dialog, options_.local, options_.remote);
        slot.waiting = waiting;
        slot.sent = 1;
        slot.retry = now + (options_.tcp ? Clock::duration(tcp_patience) : first_retry);
        socket_->send(slot.request, options_.remote);
    }

    void answered(std::string_view response, Clock::time_point now) {
        const unsigned code = status(response);
        if (code < 200) return;
        messages_.add_message(response, now);
        const std::string_view call_id = header(response, "Call-ID");
        Slot& slot = slots_[dialog_number(call_id) % slots_.size()];
        const std::string_view via = header(response, "Via");
        // A response to a retransmission may arrive twice; the second one belongs to an earlier transaction.
        if (slot.waiting == Slot::Waiting::nothing || call_id != slot.dialog.call_id ||
            via.find(slot.dialog.branch) == std::string_view::npos) {
            return;
        }
        ++responses_;
        if (via.find(" " + options_.local.text() + ";") != std::string_view::npos) ++own_via_;
        if (code != 200 || (slot.waiting == Slot::Waiting::invite && media(response).port == 0)) {
            ++refused_;
            finish(slot, now);
        } else if (slot.waiting == Slot::Waiting::invite) {
            hang_up(slot, response, now);
        } else {
            ++finished_;
            if (slot.began >= counted_from_ && now <= counted_to_) transactions_.add(now - slot.began);
            finish(slot, now);
        }
    }

    /// ACK, which has no response, and BYE.
    void hang_up(Slot& slot, std::string_view response, Clock::time_point now) {
        Dialog& dialog = slot.dialog;
        dialog.target = bracketed_uri(header(response, "Contact"));
        dialog.to = header(response, "To");
        dialog.branch = new_branch(dialog) + "a";
        dialog.sent = now_ns();
        write_request(acknowledgement_, "ACK", dialog, options_.local, options_.remote);
        socket_->send(acknowledgement_, options_.remote);
        ++dialog.cseq;
        transmit(slot, "BYE", Slot::Waiting::bye, now);
    }

    void finish(Slot& slot, Clock::time_point now) {
        slot.waiting = Slot::Waiting::nothing;
        --under_way_;
        if (now < counted_to_) begin(slot, now);
    }

    void look(Slot& slot, Clock::time_point now) {
        if (slot.waiting == Slot::Waiting::nothing || now < slot.retry) return;
        if (slot.sent == (options_.tcp ? 1 : transmissions)) {
            ++timed_out_;
            finish(slot, now);
            return;
        }
        socket_->send(slot.request, options_.remote);
        slot.retry = now + first_retry * (1 << slot.sent);
        ++slot.sent;
        ++retransmitted_;
    }

    std::size_t index(const Slot& slot) const { return static_cast<std::size_t>(&slot - slots_.data()); }

    const Options& options_;
    std::unique_ptr<MessageSocket> socket_;
    std::vector<Slot> slots_;
    std::string acknowledgement_;
    Clock::time_point counted_from_, counted_to_;
    Latencies transactions_, messages_;
    std::uint64_t serial_ = 0;
    std::size_t under_way_ = 0;
    unsigned long finished_ = 0, retransmitted_ = 0, timed_out_ = 0, refused_ = 0;
    unsigned long responses_ = 0, own_via_ = 0;
};

}  // namespace

Dialog new_dialog(const Options& options, std::uint64_t number) {
    static const std::string run = hex(std::random_device{}());
    Dialog dialog;
    const std::string serial = hex(number);
    dialog.call_id = serial + "-" + run + "-4f2a91c07b@desk";
    dialog.from_tag = serial + run;
    dialog.target = "sip:echo@" + options.remote.address;
    dialog.tcp = options.tcp;
    dialog.to = "<" + dialog.target + ">";
    return dialog;
}

std::uint64_t dialog_number(std::string_view call_id) {
    return std::strtoull(std::string(call_id.substr(0, call_id.find('-'))).c_str(), nullptr, 16);
}

std::string new_branch(const Dialog& dialog) {
    return "z9hG4bK" + dialog.from_tag + "-" + std::to_string(dialog.cseq);
}

int run_client(const Options& options) {
    Loop loop(options);
    loop.run();
    loop.print();
    return 0;
}

}  // namespace bench
