// Sequences of packets of phones, peers and strangers from bytes, with the promises as the oracle.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "tests/cases/hostile_text.hpp"
#include "tests/cases/promises.hpp"
#include "tests/cases/router.hpp"

namespace sipalg::test {

/// Reads bytes as packets, time, refusals, scans, restarts and new addresses, and plays them through a
/// Router. Phones send only to peers, never to strangers; strangers send forged messages of the peers' calls.
/// After each step check_invariants() and Promises must hold. Traffic (traffic.hpp) has more about the state
/// of calls; this has damaged messages, both families, settings of the owner, and hosts that must have no
/// effect.
class Sequence {
  public:
    explicit Sequence(std::span<const std::uint8_t> bytes);
    /// Plays until the bytes are used up. Throws std::runtime_error.
    void play();
    /// Lets two days pass without a packet: no state may remain, neither here nor in the kernel.
    void end();

  private:
    void step();
    void begin();
    void answer();
    void go_on();
    void intrude();
    void raw_packet();
    void change_settings();
    void scan();
    void send(const HostileRequest& request, std::string_view status);
    void pass(Side from, const Endpoint& phone, const Endpoint& peer, const std::string& text);
    void wait(Seconds time);
    void check();
    HostileRequest& known();
    void keep(HostileRequest request);

    Choices choices_;
    Router router_;
    Promises promises_;
    FlowTracker flows_;
    std::array<HostileRequest, 8> requests_;
    std::size_t latest_ = 0;
    Address outside_;
};

}  // namespace sipalg::test
