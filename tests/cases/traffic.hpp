// Traffic made of bytes: a few phones, peers, calls and registrations, in any order and any state.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "tests/cases/kernel.hpp"

namespace sipalg::test {

/// Reads bytes as messages and events and plays them through the core, against a table for a kernel that
/// sometimes refuses, with a daemon that is sometimes restarted, at an address that changes. After each,
/// check_invariants() must hold. The message kinds and values are few, so that they meet: retransmissions,
/// glare, crossings, ports in common.
class Traffic {
  public:
    explicit Traffic(std::span<const std::uint8_t> bytes);
    /// Until the bytes are used up. Throws std::runtime_error, as check_invariants().
    void play();
    /// Lets three hours go by in which nothing comes: nothing at all may be left, neither here nor in the
    /// kernel. Throws as well.
    void end();

  private:
    /// A request as it was made, so that others can answer it and go on from it.
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
    void sweep();
    void restart();
    void change_address();
    bool follow_address();

    Egress egress_;
    std::optional<State> state_;
    TableKernel kernel_;
    Decision decision_;
    Time now_{1'000'000};
    std::span<const std::uint8_t> rest_;
    std::array<Request, 8> requests_;
    std::size_t latest_ = 0;
};

}  // namespace sipalg::test
