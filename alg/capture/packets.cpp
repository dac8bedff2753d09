#include "alg/capture/packets.hpp"

#include <algorithm>

#include "alg/capture/capture_file.hpp"
#include "alg/capture/fragments.hpp"
#include "alg/capture/link_layer.hpp"
#include "alg/net/checksum.hpp"

namespace sipalg::capture {

namespace {

// Whether the packet should contain UDP or TCP, by its IP header alone.
bool should_be_readable(Bytes packet) {
    const bool v4 = packet[0] >> 4 == 4;
    if (packet.size() < (v4 ? 20U : 40U)) return true;
    const std::uint8_t protocol = packet[v4 ? 9 : 6];
    return protocol == static_cast<std::uint8_t>(Transport::udp) ||
           protocol == static_cast<std::uint8_t>(Transport::tcp);
}

class Reader {
  public:
    explicit Reader(Bytes file) : file_(file) {}

    Packets run() {
        bool inside = false, outside = false;
        while (const auto frame = file_.next()) {
            inside = inside || frame->interface_name == "inside";
            outside = outside || frame->interface_name == "outside";
            read(*frame);
        }
        result_.has_sides = inside && outside;
        result_.frames = file_.frames();
        for (const std::uint64_t frame : fragments_.lost())
            complain(frame, "other fragments of its packet are missing");
        if (!file_.fault().empty()) complain(0, file_.fault());
        // Several interfaces or processors do not write in the order of time.
        std::stable_sort(result_.packets.begin(), result_.packets.end(),
                         [](const auto& a, const auto& b) { return a.time_us < b.time_us; });
        return std::move(result_);
    }

  private:
    void complain(std::uint64_t frame, std::string why) {
        ++result_.unread_count;
        if (result_.unread.size() < Packets::max_unread) result_.unread.push_back({frame, std::move(why)});
    }

    void read(const Frame& frame) {
        const LinkPayload link = strip_link_layer(frame.link_type, frame.bytes);
        if (!link.fault.empty()) return complain(frame.number, std::string(link.fault));
        if (link.packet.empty()) {
            ++result_.others;
            return;
        }
        Fragments::Result whole = fragments_.add(link.packet, frame.number);
        if (whole.kind == Fragments::Result::Kind::broken)
            return complain(frame.number, std::string(whole.fault));
        if (whole.kind == Fragments::Result::Kind::waiting) return;
        CapturedPacket packet;
        packet.frame = frame.number;
        packet.time_us = frame.time_us;
        packet.interface_name = frame.interface_name;
        packet.assembled = std::move(whole.assembled);
        packet.bytes = packet.assembled.empty() ? link.packet : Bytes(packet.assembled);
        if (const auto parsed = parse_packet(packet.bytes)) {
            packet.packet = *parsed;
            result_.packets.push_back(std::move(packet));
        } else if (!should_be_readable(packet.bytes)) {
            ++result_.others;
        } else if (frame.original_length > frame.bytes.size()) {
            complain(frame.number, "only " + std::to_string(frame.bytes.size()) + " of its " +
                                       std::to_string(frame.original_length) + " bytes were captured");
        } else {
            complain(frame.number, "its IP, UDP or TCP header is wrong");
        }
    }

    CaptureFile file_;
    Fragments fragments_;
    Packets result_;
};

}  // namespace

Packets read_packets(Bytes file) {
    return Reader(file).run();
}

}  // namespace sipalg::capture
