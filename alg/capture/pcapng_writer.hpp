// Writes pcapng files of raw IP packets (draft-ietf-opsawg-pcapng).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "alg/net/packet.hpp"

namespace sipalg::capture {

/// Returns the blocks of a file as bytes. Append begin() first, then packet() for each packet, and comment()
/// for remarks that belong to no packet.
class PcapngWriter {
  public:
    /// Section header, and an interface for each name.
    static std::string begin(std::string_view program, std::initializer_list<std::string_view> interfaces);
    /// `interface`: the index in the list given to begin(). `time_us`: since 1970. An empty comment is
    /// omitted, and one of more than 65,535 bytes is truncated.
    static std::string packet(std::uint32_t interface, std::int64_t time_us, Bytes bytes,
                              std::string_view comment);
    /// A remark with a time but no packet: an Interface Statistics Block with a comment.
    static std::string comment(std::uint32_t interface, std::int64_t time_us, std::string_view text);
};

}  // namespace sipalg::capture
