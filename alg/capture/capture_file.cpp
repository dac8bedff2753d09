#include "alg/capture/capture_file.hpp"

#include <algorithm>
#include <limits>

namespace sipalg::capture {

namespace {

constexpr std::uint32_t section_header = 0x0A0D0D0A;
constexpr std::uint32_t byte_order_magic = 0x1A2B3C4D;
constexpr std::uint32_t interface_block = 1, old_packet_block = 2, simple_block = 3, enhanced_block = 6;
constexpr std::uint16_t option_end = 0, option_comment = 1, option_name = 2, option_resolution = 9,
                        option_offset = 14;
constexpr std::size_t longest_frame = 1 << 20;
constexpr std::size_t most_interfaces = 4096;

std::size_t padded(std::size_t length) {
    return (length + 3) & ~std::size_t{3};
}

std::string_view text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Cannot overflow for any file: 2^63 us are 292,000 years.
std::int64_t microseconds(std::uint64_t units, std::uint64_t per_second, std::int64_t offset_s) {
    constexpr std::uint64_t latest_s = 1ULL << 42;
    const std::uint64_t seconds = units / per_second;
    if (seconds > latest_s || offset_s < 0 || static_cast<std::uint64_t>(offset_s) > latest_s) return 0;
    const auto fraction = static_cast<double>(units % per_second) / static_cast<double>(per_second);
    return (static_cast<std::int64_t>(seconds) + offset_s) * 1'000'000 +
           static_cast<std::int64_t>(fraction * 1e6);
}

}  // namespace

CaptureFile::CaptureFile(Bytes bytes) : bytes_(bytes) {
    if (bytes.size() >= 4 && u32(0) == section_header) {
        format_ = Format::pcapng;
        return;
    }
    for (const bool swapped : {false, true}) {
        swapped_ = swapped;
        if (bytes.size() < 24) break;
        const std::uint32_t magic = u32(0);
        if (magic != 0xA1B2C3D4 && magic != 0xA1B23C4D) continue;
        format_ = Format::pcap;
        // The upper bits of the link type say whether frames end with a checksum.
        interfaces_.push_back(
            {u32(20) & 0xFFFF, magic == 0xA1B23C4D ? 1'000'000'000ULL : 1'000'000ULL, 0, {}});
        at_ = 24;
        return;
    }
    fault_ = "not a pcap or pcapng file";
}

std::uint16_t CaptureFile::u16(std::size_t offset) const {
    const unsigned first = bytes_[offset], second = bytes_[offset + 1];
    return static_cast<std::uint16_t>(swapped_ ? first << 8 | second : second << 8 | first);
}

std::uint32_t CaptureFile::u32(std::size_t offset) const {
    const std::uint32_t first = u16(offset), second = u16(offset + 2);
    return swapped_ ? first << 16 | second : second << 16 | first;
}

std::optional<Frame> CaptureFile::stop(const char* why) {
    fault_ = "after frame " + std::to_string(frames_) + ": " + why;
    format_ = Format::none;
    return std::nullopt;
}

std::optional<Frame> CaptureFile::next() {
    switch (format_) {
        case Format::pcap: return next_record();
        case Format::pcapng: return next_block();
        case Format::none: break;
    }
    return std::nullopt;
}

std::optional<Frame> CaptureFile::next_record() {
    if (left() == 0) return std::nullopt;
    if (left() < 16) return stop("the file ends within a frame");
    Frame frame;
    frame.number = frames_ + 1;
    const std::uint64_t per_second = interfaces_[0].units_per_second;
    frame.time_us = microseconds(std::uint64_t{u32(at_)} * per_second + u32(at_ + 4), per_second, 0);
    const std::size_t length = u32(at_ + 8);
    frame.original_length = u32(at_ + 12);
    frame.link_type = interfaces_[0].link_type;
    if (length > longest_frame) return stop("a frame has an impossible length");
    if (left() - 16 < length) return stop("the file ends within a frame");
    frame.bytes = bytes_.subspan(at_ + 16, length);
    at_ += 16 + length;
    ++frames_;
    return frame;
}

std::optional<Frame> CaptureFile::next_block() {
    while (left() > 0) {
        if (left() < 12) return stop("the file ends within a block");
        if (u32(at_) == section_header && !begin_section()) return stop("a section header cannot be read");
        const std::uint32_t type = u32(at_);
        const std::size_t length = u32(at_ + 4);
        if (length < 12 || length % 4 != 0) return stop("a block has an impossible length");
        if (length > left()) return stop("the file ends within a block");
        const std::size_t begin = at_ + 8, end = at_ + length - 4;
        at_ += length;
        std::optional<Frame> frame;
        if (type == interface_block) {
            if (interfaces_.size() >= most_interfaces) return stop("too many interfaces");
            add_interface(begin, end);
        } else if (type == enhanced_block || type == old_packet_block) {
            frame = enhanced_packet(begin, end);
            if (!frame) return stop("a packet block cannot be read");
            if (type == old_packet_block) frame->comment = {};
        } else if (type == simple_block) {
            frame = simple_packet(begin, end);
            if (!frame) return stop("a packet block cannot be read");
        }
        if (!frame) continue;
        frame->number = ++frames_;
        latest_us_ = frame->time_us;
        return frame;
    }
    return std::nullopt;
}

bool CaptureFile::begin_section() {
    if (left() < 28) return false;
    swapped_ = false;
    if (u32(at_ + 8) != byte_order_magic) swapped_ = true;
    if (u32(at_ + 8) != byte_order_magic || u16(at_ + 12) != 1) return false;
    interfaces_.clear();
    return true;
}

template <class Visit>
void CaptureFile::each_option(std::size_t begin, std::size_t end, const Visit& visit) const {
    while (end - begin >= 4) {
        const std::uint16_t code = u16(begin);
        const std::size_t length = u16(begin + 2);
        begin += 4;
        if (code == option_end || length > end - begin) return;
        visit(code, bytes_.subspan(begin, length));
        begin += std::min(padded(length), end - begin);
    }
}

void CaptureFile::add_interface(std::size_t begin, std::size_t end) {
    Interface added;
    if (end - begin >= 8) {
        added.link_type = u16(begin);
        each_option(begin + 8, end, [&](std::uint16_t code, Bytes value) {
            if (code == option_name) added.name = text(value);
            if (code == option_resolution && value.size() == 1) {
                const unsigned exponent = value[0] & 0x7F;
                std::uint64_t units = 1;
                const std::uint64_t base = (value[0] & 0x80) != 0 ? 2 : 10;
                for (unsigned i = 0; i < exponent && units < (1ULL << 58); ++i)
                    units *= base;
                added.units_per_second = units;
            }
            if (code == option_offset && value.size() == 8) {
                const auto at = static_cast<std::size_t>(value.data() - bytes_.data());
                const std::uint64_t high = u32(swapped_ ? at : at + 4), low = u32(swapped_ ? at + 4 : at);
                added.offset_s = static_cast<std::int64_t>(high << 32 | low);
            }
        });
    }
    interfaces_.push_back(added);
}

std::optional<Frame> CaptureFile::enhanced_packet(std::size_t begin, std::size_t end) {
    if (end - begin < 20) return std::nullopt;
    const std::size_t length = u32(begin + 12);
    if (length > end - begin - 20) return std::nullopt;
    Frame frame;
    // The obsolete block has a 16-bit interface number, followed by a count of drops.
    std::size_t interface = u32(begin);
    if (interface >= interfaces_.size()) interface = u16(begin);
    if (interface >= interfaces_.size()) return std::nullopt;
    const Interface& from = interfaces_[interface];
    frame.link_type = from.link_type;
    frame.interface_name = from.name;
    frame.time_us = microseconds(std::uint64_t{u32(begin + 4)} << 32 | u32(begin + 8), from.units_per_second,
                                 from.offset_s);
    frame.bytes = bytes_.subspan(begin + 20, length);
    frame.original_length = u32(begin + 16);
    const std::size_t options = begin + 20 + padded(length);
    if (options <= end)
        each_option(options, end, [&](std::uint16_t code, Bytes value) {
            if (code == option_comment && frame.comment.empty()) frame.comment = text(value);
        });
    return frame;
}

std::optional<Frame> CaptureFile::simple_packet(std::size_t begin, std::size_t end) {
    if (end - begin < 4 || interfaces_.empty()) return std::nullopt;
    Frame frame;
    frame.link_type = interfaces_[0].link_type;
    frame.interface_name = interfaces_[0].name;
    frame.time_us = latest_us_;  // this block has none
    frame.original_length = u32(begin);
    frame.bytes = bytes_.subspan(begin + 4, std::min<std::size_t>(frame.original_length, end - begin - 4));
    return frame;
}

}  // namespace sipalg::capture
