// A phone and a provider that speak SIP over one TCP connection through the core, over lines that lose,
// repeat and reorder packets.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "tests/cases/kernel.hpp"
#include "tests/model/dice.hpp"
#include "tests/stream/host.hpp"

namespace sipalg::test {

/// Plays one connection from its SYN to its end. The seed determines everything.
class Connection {
  public:
    explicit Connection(std::uint64_t seed);
    /// The fault; nullopt: both ends have received the expected bytes, and no state remains.
    std::optional<std::string> play();

  private:
    using Packet = Host::Packet;
    struct End {
        Endpoint endpoint;
        std::optional<Host> host;
        std::string expected;  ///< the bytes that it must receive
        std::deque<Packet> to_router, from_router;
    };
    End& end(Side side) { return side == Side::inside ? phone_ : peer_; }

    void message(Side from);
    void say(Side from, const std::string& sent, const std::string& heard);
    void emit(Side from, Packet packet);
    void arrive(Side from, const Packet& packet);
    void decide_alone(Arrival arrival);
    void decide_in_group(const Arrival& arrival);
    void settle();
    void carry_all(const Arrival& arrival, const Decision& decision);
    void carry(const Output& output);
    void deliver(Side to);
    void move();
    void advance(Time by);
    void expire();
    void restart();
    bool quiet() const;
    std::string check() const;

    model::Dice dice_;
    std::size_t loss_ = 0, repetition_ = 0, disorder_ = 0;  ///< one packet in this number; 0: none
    bool restarts_ = false;
    Time now_{1'000'000};
    std::optional<State> stored_;
    State& state_;  ///< the same place across restarts
    TableKernel kernel_;
    Decision decision_;
    std::vector<std::pair<Arrival, Decision>> group_;  ///< whose transaction is not yet sent (P4)
    std::map<std::uint64_t, std::pair<Side, Packet>> held_;
    std::uint64_t token_ = 0;
    End phone_, peer_;
    std::string contact_inside_, contact_public_;
    unsigned messages_ = 0;
};

}  // namespace sipalg::test
