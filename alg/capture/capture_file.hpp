// Capture files of tcpdump and Wireshark, frame by frame: pcap, and pcapng
// (draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng).
//
// The reader is our own because libpcap hides the names of interfaces and the comments, which explanations
// need. It works on bytes in memory; every length in the file is checked against them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alg/net/packet.hpp"

namespace sipalg::capture {

/// One captured frame. `bytes` are a view into the file.
struct Frame {
    std::uint64_t number = 0;         ///< from 1, as Wireshark counts
    std::int64_t time_us = 0;         ///< since 1970
    std::uint32_t link_type = 0;      ///< LINKTYPE_* of its interface
    std::string_view interface_name;  ///< empty: the file has none
    Bytes bytes;
    std::uint32_t original_length = 0;  ///< more than bytes.size(): the capture has truncated it
    std::string_view comment;           ///< pcapng; empty: none
};

class CaptureFile {
  public:
    /// `bytes` must outlive it.
    explicit CaptureFile(Bytes bytes);

    /// The next frame; nullopt: no more can be read. See fault().
    std::optional<Frame> next();
    /// The reason why reading stopped before the end of the file, or why the file is not a capture; empty:
    /// there is none.
    const std::string& fault() const { return fault_; }
    std::uint64_t frames() const { return frames_; }

  private:
    struct Interface {
        std::uint32_t link_type = 0;
        std::uint64_t units_per_second = 1'000'000;
        std::int64_t offset_s = 0;
        std::string_view name;
    };
    enum class Format : std::uint8_t { none, pcap, pcapng };

    std::size_t left() const { return bytes_.size() - at_; }
    std::uint16_t u16(std::size_t offset) const;
    std::uint32_t u32(std::size_t offset) const;
    std::optional<Frame> stop(const char* why);
    std::optional<Frame> next_record();
    std::optional<Frame> next_block();
    /// False: the section header is wrong.
    bool begin_section();
    void add_interface(std::size_t begin, std::size_t end);
    std::optional<Frame> enhanced_packet(std::size_t begin, std::size_t end);
    std::optional<Frame> simple_packet(std::size_t begin, std::size_t end);
    /// Calls `visit(code, value)` for each option between the offsets.
    template <class Visit>
    void each_option(std::size_t begin, std::size_t end, const Visit& visit) const;

    Bytes bytes_;
    Format format_ = Format::none;
    bool swapped_ = false;  ///< the file is big-endian
    std::size_t at_ = 0;
    std::uint64_t frames_ = 0;
    std::int64_t latest_us_ = 0;
    std::string fault_;
    std::vector<Interface> interfaces_;  ///< pcap: one
};

}  // namespace sipalg::capture
