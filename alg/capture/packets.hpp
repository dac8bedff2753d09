// All IP packets of a capture that could be SIP or media.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alg/net/packet.hpp"

namespace sipalg::capture {

/// A whole UDP or TCP packet over IP.
struct CapturedPacket {
    std::uint64_t frame = 0;
    std::int64_t time_us = 0;  ///< since 1970
    std::string interface_name;
    Bytes bytes;                          ///< of the file, or of `assembled`
    std::vector<std::uint8_t> assembled;  ///< it came in fragments
    Packet packet;                        ///< views `bytes`
};

/// A frame that could not be read.
struct Unread {
    std::uint64_t frame = 0;  ///< 0: the file itself
    std::string why;
};

struct Packets {
    std::vector<CapturedPacket> packets;  ///< in the order of time
    std::vector<Unread> unread;           ///< at most max_unread
    std::uint64_t unread_count = 0;       ///< the number of all unread frames
    std::uint64_t frames = 0;
    std::uint64_t others = 0;  ///< frames with neither UDP nor TCP over IP
    bool has_sides = false;    ///< there are interfaces "inside" and "outside": `sipalgctl record` wrote it
    static constexpr std::size_t max_unread = 1000;
};

/// Reads a whole capture; `file` must outlive the result.
Packets read_packets(Bytes file);

}  // namespace sipalg::capture
