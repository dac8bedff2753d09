// One end of a TCP connection, as simple as it can be: it retransmits unacknowledged bytes, reads bytes in
// order, and checks that only sent bytes are acknowledged.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "alg/tcp/position.hpp"
#include "alg/tcp/segment.hpp"
#include "tests/model/dice.hpp"

namespace sipalg::test {

class Host {
  public:
    using Packet = std::vector<std::uint8_t>;
    struct Kind {
        bool sack = true;
        bool timestamps = true;
        std::uint8_t scale = 7;
        std::size_t window = 65535;   ///< bytes of the receive buffer
        std::size_t congestion = 10;  ///< the most segments in flight
        std::uint16_t mss = 1460;
    };
    Host(const Endpoint& own, const Endpoint& peer, std::uint32_t initial, const Kind& kind,
         model::Dice& dice)
        : own_(own), peer_(peer), initial_(initial), kind_(kind), dice_(dice) {}

    Packet syn();
    void say(std::string_view text) { out_ += text; }
    void close() { closing_ = true; }
    /// The segment that it would send now: new bytes, if the windows allow it. Empty: none.
    Packet next();
    /// A retransmission of the oldest unacknowledged bytes, or a probe of a closed window.
    Packet again();
    /// Receives a packet and appends its answers to `answers`.
    void hear(const Packet& packet, std::vector<Packet>& answers);
    /// The program reads.
    void read() { unread_ = 0; }
    /// A window update after reading.
    Packet update() {
        return known_ ? segment(tcp::Segment::ack, sent_ + (finished_ ? 1 : 0), {}) : Packet{};
    }

    bool is_open() const { return known_; }
    const std::string& heard() const { return in_; }
    bool was_reset() const { return reset_; }
    /// The number of segments dropped because their timestamp was older than the previous one.
    std::size_t outdated() const { return outdated_; }
    bool heard_end() const { return heard_end_; }
    bool all_acknowledged() const { return acknowledged_ == out_.size() + (finished_ ? 1 : 0); }
    bool finished() const { return finished_ && all_acknowledged(); }

  private:
    Packet segment(std::uint8_t flags, std::size_t at, std::string_view payload);
    std::size_t under_way() const;
    std::size_t room() const { return kind_.window > unread_ ? kind_.window - unread_ : 0; }

    Endpoint own_, peer_;
    std::uint32_t initial_;
    Kind kind_;
    model::Dice& dice_;
    std::string out_, in_;
    std::size_t sent_ = 0, acknowledged_ = 0;
    std::map<std::size_t, std::size_t> selective_;  ///< of what was sent: begin to end
    std::size_t peer_window_ = 0;
    std::size_t most_ = 536;
    std::uint32_t peer_initial_ = 0;
    std::uint8_t peer_scale_ = 0;
    bool known_ = false, closing_ = false, finished_ = false, heard_end_ = false, reset_ = false;
    bool use_sack_ = false, use_timestamps_ = false;
    std::uint32_t clock_ = 1000, peer_clock_ = 0;
    std::size_t outdated_ = 0;
    std::map<std::size_t, std::string> early_;
    std::size_t end_at_ = SIZE_MAX;
    std::size_t unread_ = 0;
};

}  // namespace sipalg::test
