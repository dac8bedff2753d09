#include "alg/call/session.hpp"

#include "alg/rewrite/media.hpp"

namespace sipalg::call {

namespace {

bool has_rtcp(const sdp::Media& media) {
    const std::string_view proto = media.proto;
    return proto.find("RTP") != std::string_view::npos && !media.rtcp_mux_only;
}

}  // namespace

Session read_session(const sdp::Description& description, const Resolve& resolve) {
    Session session;
    session.reserve(description.media().size());
    for (const sdp::Media& media : description.media()) {
        Stream stream;
        stream.type = media.type.substr(0, 16);
        stream.transport = rewrite::transport_of(media);
        stream.rtcp_mux = media.rtcp_mux;
        const sdp::AddressField& connection = description.connection(media);
        stream.rejected = media.port == 0 && !media.bundle_only;
        stream.one_way =
            media.direction == sdp::Direction::sendonly || media.direction == sdp::Direction::recvonly;
        stream.held = media.direction == sdp::Direction::inactive ||
                      (connection.address && connection.address->is_unspecified());
        // Port 0 rejects; 9 and an active set-up receive nothing; a bundled line uses the first one's
        // transport (D3).
        const bool receives = media.well_formed && connection.address && !rewrite::is_no_port(media.port) &&
                              !media.bundle_only && !connection.address->is_multicast() &&
                              !(stream.transport == Transport::tcp && media.setup == "active");
        if (receives) {
            const auto rtp = resolve({stream.transport, {*connection.address, media.port}});
            if (rtp) {
                stream.rtp = rtp->endpoint;
                stream.hairpin = rtp->hairpin;
            }
        }
        if (stream.rtp.port != 0 && has_rtcp(media)) {
            if (media.rtcp && media.rtcp->port != media.port) {
                const Address host = media.rtcp->address.address.value_or(*connection.address);
                if (const auto rtcp = resolve({Transport::udp, {host, media.rtcp->port}}))
                    stream.rtcp = rtcp->endpoint;
            } else if (!media.rtcp && media.port < 65535) {
                const auto next = static_cast<std::uint16_t>(media.port + 1);
                if (const auto rtcp = resolve({Transport::udp, {*connection.address, next}}))
                    stream.rtcp = rtcp->endpoint;
            }
        }
        session.push_back(std::move(stream));
    }
    return session;
}

}  // namespace sipalg::call
