// One end of a TCP connection that may forge segments: the bytes that it has sent and received.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "alg/tcp/position.hpp"
#include "alg/tcp/segment.hpp"

namespace sipalg::test {

/// Keeps both streams in order. It has no timers; its owner decides when it sends, and which forged numbers
/// it uses.
struct Party {
    Endpoint own;
    std::uint32_t initial = 0;
    bool open = false;  ///< its SYN was sent
    std::string text;   ///< all bytes that it has to send
    std::size_t sent = 0;
    bool finished = false;
    std::uint16_t window = 65535;
    std::uint32_t clock = 0;  ///< of its timestamps; 0: none
    std::size_t longest = 0;  ///< the longest payload that it has sent
    std::uint16_t mss = 536;  ///< the largest segment that it accepts

    /// Messages as sent and as rewritten: each must arrive in one of the two forms.
    std::vector<std::pair<std::string, std::string>> said;
    bool legible = true;  ///< everything in `text` is in `said`

    std::string heard;
    bool heard_end = false;
    std::uint32_t peer_clock = 0;

    void begin(std::uint32_t number);
    void say(const std::string& as_sent, const std::string& as_heard);
    /// Takes a segment of an end that began with `peer_initial`.
    void hear(const tcp::Segment& segment, std::uint32_t peer_initial);
    /// The sequence number of the byte of `text` at `at`.
    std::uint32_t number(std::size_t at) const {
        return tcp::sequence(static_cast<tcp::Position>(at), initial);
    }
    /// The acknowledgement number that it sends.
    std::uint32_t acknowledgement(std::uint32_t peer_initial) const {
        return tcp::sequence(static_cast<tcp::Position>(heard.size()), peer_initial) + (heard_end ? 1U : 0U);
    }

  private:
    std::map<std::size_t, std::string> early_;
    std::size_t end_at_ = SIZE_MAX;
};

/// Whether `heard` is the beginning of the messages in `said`, each in one of its two forms.
bool is_what_was_said(const std::string& heard, const std::vector<std::pair<std::string, std::string>>& said);

}  // namespace sipalg::test
