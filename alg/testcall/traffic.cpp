#include "alg/testcall/traffic.hpp"

#include <chrono>

namespace sipalg::testcall {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds repeat{400}, media_repeat{100};
constexpr int most_repeats = 10, most_media = 20;

}  // namespace

std::string rtp_packet(std::uint16_t number) {
    std::string packet(12 + 160, '\xff');
    packet.replace(0, 12, std::string("\x80\0\0\0\0\0\0\0\x51\xa1\0\1", 12));
    packet[2] = static_cast<char>(number >> 8);
    packet[3] = static_cast<char>(number & 0xff);
    return packet;
}

std::string rtcp_packet() {
    return {"\x80\xc9\0\1\x51\xa1\0\1", 8};
}

std::optional<Heard> exchange(End& sender, const std::string& bytes, const Endpoint& to, End& receiver,
                              std::string_view begin, const std::string& call_id) {
    bool sent = false;
    for (int i = 0; i < most_repeats; ++i) {
        sent = sent || sender.send(bytes, to);
        const auto end = std::chrono::steady_clock::now() + repeat;
        while (std::chrono::steady_clock::now() < end) {
            auto datagram = receiver.receive(repeat);
            if (!datagram) break;
            if (datagram->bytes.starts_with(begin) && header(datagram->bytes, "Call-ID") == call_id)
                return datagram;
        }
    }
    return std::nullopt;
}

bool reaches(End& sender, const std::string& packet, const Endpoint& to, End& receiver) {
    receiver.drain();
    for (int i = 0; i < most_media; ++i) {
        sender.send(packet, to);
        if (receiver.receive(media_repeat)) return true;
    }
    return false;
}

bool stops(End& sender, const Endpoint& to, End& receiver) {
    int silent = 0;
    for (int i = 0; i < most_media && silent < 3; ++i) {
        receiver.drain();
        sender.send(rtp_packet(static_cast<std::uint16_t>(i)), to);
        silent = receiver.receive(media_repeat) ? 0 : silent + 1;
    }
    return silent == 3;
}

}  // namespace sipalg::testcall
