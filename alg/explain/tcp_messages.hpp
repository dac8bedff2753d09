// The messages on TCP connections of a capture, however they are split into segments.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "alg/capture/packets.hpp"

namespace sipalg::explain {

/// Reassembles each direction of a connection from its SYN on, or from the first segment that begins with a
/// message. Segments may be repeated, overlap, or be out of order.
class TcpMessages {
  public:
    /// The messages that end in this segment. Valid until the next call.
    const std::vector<std::string>& take(const capture::CapturedPacket& captured);
    /// Whether the capture has the SYN of this direction.
    bool has_begin(const Endpoint& source, const Endpoint& destination) const;

  private:
    struct Stream {
        bool has_begin = false, readable = false;
        std::uint32_t next = 0;                      ///< the sequence number after `bytes`
        std::string bytes;                           ///< not read yet
        std::size_t wanted = 0, seen = 0;            ///< see sip::Piece
        std::map<std::uint32_t, std::string> later;  ///< segments after a gap, by sequence number
    };
    static void add(Stream& stream, std::uint32_t sequence, std::string_view payload);
    void read(Stream& stream);

    std::map<std::pair<Endpoint, Endpoint>, Stream> streams_;
    std::vector<std::string> complete_;
};

}  // namespace sipalg::explain
