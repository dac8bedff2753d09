// Writes pcapng files of raw IP packets (draft-ietf-opsawg-pcapng).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "alg/net/packet.hpp"

namespace sipalg::capture {

/// The blocks as bytes, to be appended to a file in this order: begin(), packet()s, comment() where there is
/// no packet to say it with.
class PcapngWriter {
  public:
    /// Section header, and an interface for each name.
    static std::string begin(std::string_view program, std::initializer_list<std::string_view> interfaces);
    /// `interface`: its place in begin(), from 0. `time_us`: since 1970. An empty comment is none; a longer
    /// one than 65,535 bytes is cut.
    static std::string packet(std::uint32_t interface, std::int64_t time_us, Bytes bytes,
                              std::string_view comment);
    /// A remark at a time, as statistics of the interface.
    static std::string comment(std::uint32_t interface, std::int64_t time_us, std::string_view text);
};

}  // namespace sipalg::capture
