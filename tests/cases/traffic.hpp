// Random traffic: bytes choose among a few phones, peers, calls and registrations.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "tests/cases/kernel.hpp"
#include "tests/unit/flow_tracker.hpp"

namespace sipalg::test {

/// Turns bytes into messages and events and plays them through the core. The table in place of the kernel
/// sometimes refuses, the daemon is sometimes restarted, and the address changes. After each step,
/// check_invariants() must hold. There are few kinds of messages and few values, so that retransmissions,
/// glare, crossing requests and shared ports occur often.
class Traffic {
  public:
    explicit Traffic(std::span<const std::uint8_t> bytes);
    /// Plays until the bytes are used up. Throws like check_invariants().
    void play();
    /// Lets three hours pass without a packet, and checks that state and kernel are then empty. Throws like
    /// check_invariants().
    void end();

  private:
    /// A request that was sent, kept for its responses and for later requests in the dialog.
    struct Request {
        bool by_phone = true;
        std::string phone, port, peer;  ///< port as the phone writes it: ":5070", or nothing
        std::string method, call_id, branch;
        std::string local_tag, remote_tag;  ///< remote empty: not in a dialog yet
        int cseq = 1;
    };

    std::uint8_t next();
    std::uint8_t next(std::size_t count) { return static_cast<std::uint8_t>(next() % count); }
    Request& known();
    void begin();
    void answer();
    void go_on();
    void raw_packet();
    void send(const Request& request, const char* status);
    std::string sdp(bool inside, const std::string& own);
    void inspect_packet(Side side, const std::string& source, const std::string& destination,
                        const std::string& payload);
    void ask(Side side, std::span<const std::uint8_t> bytes);
    bool put_in_force();
    void wait(Seconds time);
    void scan();
    void restart();
    void change_address();
    bool follow_address();

    Egress egress_;
    std::optional<State> state_;
    TableKernel kernel_;
    FlowTracker flows_;
    Decision decision_;
    Time now_{1'000'000};
    std::span<const std::uint8_t> rest_;
    std::array<Request, 8> requests_;
    std::size_t latest_ = 0;
};

}  // namespace sipalg::test
