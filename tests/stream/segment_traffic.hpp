// TCP connections from random bytes: honest and forging ends, over a bad line, in any order.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "tests/cases/kernel.hpp"
#include "tests/stream/party.hpp"

namespace sipalg::test {

/// Reads bytes as segments and events of two connections and plays them through the core, against a table for
/// a kernel that sometimes refuses, with a daemon that is sometimes restarted. Forged numbers are near the
/// expected ones, so that not all are refused at once. After each segment, check() must succeed. If neither
/// end of a connection has forged segments, the received bytes must be those that were sent.
class SegmentTraffic {
  public:
    using Packet = std::vector<std::uint8_t>;
    explicit SegmentTraffic(std::span<const std::uint8_t> bytes);
    /// Plays until all bytes are used. Throws std::runtime_error.
    void play();
    /// Lets a week pass without a packet: no state may remain, neither here nor in the kernel.
    void end();

  private:
    struct Line {
        Party phone, peer;
        Egress egress;
        std::string inside, outside;  ///< of the phone: address and port in its messages
        bool honest = true;           ///< neither end has forged a segment
        Party& of(Side side) { return side == Side::inside ? phone : peer; }
    };
    struct Waiting {
        std::size_t line;
        Side from;
        Packet packet;
    };
    /// Fields of a segment, possibly forged, and its raw options.
    struct Odd {
        tcp::SegmentFields made;
        std::vector<std::uint8_t> options;
    };

    std::uint8_t next();
    std::int32_t next_offset();
    std::string next_bytes(std::size_t size);
    std::size_t next_size();

    void step();
    void open();
    void syn(bool answer);
    void say(std::size_t which);
    void send(std::size_t at, std::size_t size, bool final);
    void burst(std::size_t size);
    void odd();
    void last_words();
    void upset();

    tcp::SegmentFields made(std::size_t line, Side from);
    void arrive(const Odd& odd);
    bool put_in_force();
    void carry_all();
    void carry(const Output& output);
    void deliver(std::size_t line, Side from, const Packet& packet, bool written);
    void wait(Time time);
    void restart();
    void check();
    void check_heard(Line& line);

    Policy policy_;
    std::optional<State> stored_;
    State& state_;  ///< the same place across restarts
    TableKernel kernel_;
    Decision decision_;
    Time now_{1'000'000};
    std::span<const std::uint8_t> rest_;
    std::array<Line, 2> lines_;
    std::uint32_t initial_ = 0;  ///< the next one
    std::map<std::uint64_t, Waiting> waiting_;
    std::uint64_t token_ = 0;
    unsigned messages_ = 0;
    // Of this step:
    std::size_t line_ = 0;
    Side side_ = Side::inside;
    std::size_t how_ = 0;
    bool lossy_ = false;
};

}  // namespace sipalg::test
