// What the two ends of the test call send to each other, and whether it arrives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "alg/testcall/sip_user.hpp"

namespace sipalg::testcall {

/// RTP on an even port, and RTCP on the next one.
struct MediaEnd {
    UdpEnd rtp, rtcp;
    MediaEnd(const Interrupts& interrupts, const Namespace& where, const Address& address, std::uint16_t port)
        : rtp(interrupts, where, {address, port}),
          rtcp(interrupts, where, {address, static_cast<std::uint16_t>(port + 1)}) {}
};

/// One packet of RTP (RFC 3550) with 20 ms of silence.
std::string rtp_packet(std::uint16_t number);
/// An empty receiver report of RTCP.
std::string rtcp_packet();

/// Sends a message, several times if need be, until the receiver has one of that Call-ID that begins so;
/// nullopt: it does not come.
std::optional<Heard> exchange(End& sender, const std::string& bytes, const Endpoint& to, End& receiver,
                              std::string_view begin, const std::string& call_id);
/// Whether a packet that is sent repeatedly arrives.
[[nodiscard]] bool reaches(End& sender, const std::string& packet, const Endpoint& to, End& receiver);
/// Whether packets of RTP no longer arrive, or soon do not.
[[nodiscard]] bool stops(End& sender, const Endpoint& to, End& receiver);

}  // namespace sipalg::testcall
