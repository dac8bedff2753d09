// Reassembles fragmented IP packets, as conntrack does before a packet is queued.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alg/net/packet.hpp"

namespace sipalg::capture {

/// Keeps at most max_incomplete incomplete packets; the oldest is discarded for a new one.
class Fragments {
  public:
    static constexpr std::size_t max_incomplete = 64;

    struct Result {
        enum class Kind : std::uint8_t {
            whole,     ///< `packet` is not fragmented
            complete,  ///< it was the last fragment: take `assembled`
            waiting,   ///< other fragments are missing
            broken,    ///< see `fault`
        };
        Kind kind = Kind::whole;
        std::vector<std::uint8_t> assembled;
        std::string_view fault;
    };
    /// `frame` numbers the fragment for lost().
    Result add(Bytes packet, std::uint64_t frame);
    /// Frames that began packets which were never completed.
    std::vector<std::uint64_t> lost() const;

  private:
    struct Fragment {
        std::size_t offset = 0;
        bool more = false;
        Bytes head;  ///< headers that every fragment repeats, to be put in front
        Bytes data;
        std::uint8_t protocol = 0;
        std::string key;  ///< what all fragments of a packet share, and no other packet has
    };
    struct Incomplete {
        std::uint64_t frame = 0;
        std::vector<std::uint8_t> head;  ///< of the first fragment; empty: that has not arrived
        std::uint8_t protocol = 0;
        std::map<std::size_t, std::vector<std::uint8_t>> pieces;  ///< by offset
        std::size_t stored = 0;
        std::optional<std::size_t> total;
    };

    static std::optional<Fragment> fragment_v4(Bytes packet);
    static std::optional<Fragment> fragment_v6(Bytes packet);
    static std::optional<std::vector<std::uint8_t>> assemble(const Incomplete& incomplete);
    void make_room();

    std::map<std::string, Incomplete> incomplete_;  ///< by Fragment::key
    std::vector<std::uint64_t> given_up_;
};

}  // namespace sipalg::capture
