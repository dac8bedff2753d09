// Messages of phones, peers and strangers from bytes: a compact grammar, and damage on purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sipalg::test {

/// Bytes of a fuzzer's input as choices. At the end all choices are 0.
class Choices {
  public:
    explicit Choices(std::span<const std::uint8_t> bytes) : rest_(bytes) {}
    bool empty() const { return rest_.empty(); }
    std::uint8_t next();
    /// Below `count`, which is 1 to 256.
    std::size_t below(std::size_t count) { return next() % count; }
    const auto& of(const auto& list) { return list[below(list.size())]; }
    std::string bytes(std::size_t count);

  private:
    std::span<const std::uint8_t> rest_;
};

/// A request that was sent, kept for its responses and for later requests of its dialog.
struct HostileRequest {
    bool by_phone = true;
    std::string phone, peer;  ///< addresses without brackets
    std::string method = "OPTIONS", call_id = "none", branch = "z9hG4bKnone";
    std::string port;                       ///< in the phone's Via and Contact: ":5070", or nothing
    std::string phone_tag = "l", peer_tag;  ///< empty: not in a dialog yet
    unsigned cseq = 1;
    /// As From and To are written.
    std::string local() const { return by_phone ? phone_tag : peer_tag; }
    std::string remote() const { return by_phone ? peer_tag : phone_tag; }
};

/// Writes the request, or a response to it. `own`: the phone as the message names it, which is its public
/// address in messages from outside. `media`: the address of the peer's media, if the sender is a peer.
std::string hostile_message(const HostileRequest& request, std::string_view status, const std::string& own,
                            const std::string& media, Choices& choices);

/// Damages a text in up to three places: bytes, lines, numbers, and words of other rules.
void damage(std::string& text, Choices& choices);

}  // namespace sipalg::test
