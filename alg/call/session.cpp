#include "alg/call/session.hpp"

#include <algorithm>

#include "alg/sdp/path.hpp"
#include "alg/sdp/transport.hpp"

namespace sipalg::call {

namespace {

constexpr std::uint16_t discard_port = 9;

// Reads one m= line.
class LineReader {
  public:
    LineReader(const sdp::Description& description, const sdp::Media& media, const Resolve& resolve)
        : description_(description),
          media_(media),
          connection_(description.connection(media)),
          resolve_(resolve) {}

    Stream read() {
        stream_.type = media_.type;
        stream_.transport = sdp::transport_of(media_);
        stream_.rtcp_mux = media_.rtcp_mux;
        stream_.rejected = media_.port == 0 && !media_.bundle_only;
        stream_.bundled = description_.bundled(media_);
        stream_.one_way =
            media_.direction == sdp::Direction::sendonly || media_.direction == sdp::Direction::recvonly;
        // With candidates, 0.0.0.0 and port 9 only mean that there is no default (RFC 8839 4.2.1.2).
        const bool no_default = media_.port == 9 && media_.candidate_count > 0;
        stream_.on_hold = media_.direction == sdp::Direction::inactive ||
                          (connection_.address && connection_.address->is_unspecified() && !no_default);
        read_setup();
        if (receives()) {
            read_default();
            if (stream_.rtp.port != 0) {
                read_rtcp();
                read_further_ports();
            }
        }
        if (!stream_.rejected) read_alternatives();
        return std::move(stream_);
    }

  private:
    // D3: port 0 rejects; port 9 and an active setup receive nothing; a bundle-only line uses another line's
    // transport.
    bool receives() const {
        return media_.well_formed && connection_.address && !sdp::is_no_port(media_.port) &&
               !media_.bundle_only && !connection_.address->is_multicast() &&
               media_.port_count <= sdp::max_port_count && !is_active();
    }
    bool is_active() const {
        return stream_.transport == Transport::tcp && text::equals(media_.setup, "active");
    }

    void read_setup() {
        if (stream_.transport != Transport::tcp) return;
        if (text::equals(media_.setup, "holdconn")) stream_.on_hold = true;
        if (media_.candidate_count == 0) stream_.setup = setup_of(media_.setup);
        if (!is_active() || stream_.rejected || !connection_.address) return;
        // Its port is the discard port, which is never mapped: only its address matters.
        const auto source = resolve_({Transport::tcp, {*connection_.address, discard_port}});
        if (source && !source->hairpin) stream_.rtp.address = source->endpoint.address;
    }
    static Setup setup_of(std::string_view value) {
        if (value.empty()) return Setup::unspecified;
        if (text::equals(value, "active")) return Setup::active;
        return text::equals(value, "passive") ? Setup::passive : Setup::either;
    }
    bool has_rtcp() const { return sdp::is_rtp(media_) && !media_.rtcp_mux_only; }

    void read_default() {
        const auto rtp = resolve_({stream_.transport, {*connection_.address, media_.port}});
        if (!rtp) return;
        stream_.rtp = rtp->endpoint;
        stream_.hairpin = rtp->hairpin;
    }

    void read_rtcp() {
        if (!has_rtcp()) return;
        Endpoint rtcp{*connection_.address, static_cast<std::uint16_t>(media_.port + 1)};
        if (media_.rtcp) {
            if (media_.rtcp->port == media_.port) return;
            rtcp = {media_.rtcp->address.address.value_or(rtcp.address), media_.rtcp->port};
        }
        if (rtcp.port == 0) return;
        if (const auto resolved = resolve_({Transport::udp, rtcp})) stream_.rtcp = resolved->endpoint;
    }

    // "port/count": the ports after the first pair, without gaps (RFC 8866 5.14).
    void read_further_ports() {
        const unsigned stride = sdp::port_stride(media_);
        for (unsigned port = media_.port + stride; port < media_.port + stride * media_.port_count; ++port) {
            if (port > 65535) return;
            const bool control = stride == 2 && port % 2 != media_.port % 2;
            if (control && !has_rtcp()) continue;
            add(stream_.transport, connection_.address, static_cast<std::uint16_t>(port), control);
        }
    }

    void read_alternatives() {
        for (const sdp::Candidate& candidate : description_.candidates(media_))
            if (candidate.host && candidate.receives)
                add(candidate.tcp ? Transport::tcp : Transport::udp, candidate.address.address,
                    candidate.port, candidate.component == 2);
        for (const sdp::Altc& altc : description_.altc(media_)) {
            add(stream_.transport, altc.address.address, altc.port, false);
            // RTCP of the other family comes to the next port: a=rtcp is for the line's own.
            const bool other_family = altc.address.address && connection_.address &&
                                      altc.address.address->family() != connection_.address->family();
            if (other_family && has_rtcp() && altc.port < 65535)
                add(Transport::udp, altc.address.address, static_cast<std::uint16_t>(altc.port + 1), true);
        }
        if (is_active()) return;
        std::string_view rest = media_.path;
        for (auto uri = sdp::next_word(rest); !uri.empty(); uri = sdp::next_word(rest))
            if (const auto host_port = sdp::msrp_host_port(uri))
                add(Transport::tcp, host_port->address, *host_port->port, false);
    }

    void add(Transport transport, const std::optional<Address>& address, std::uint16_t port, bool rtcp) {
        if (!address || sdp::is_no_port(port) || address->is_unspecified() || address->is_multicast()) return;
        if (stream_.further.size() >= max_further) return;
        const auto resolved = resolve_({transport, {*address, port}});
        if (!resolved || resolved->hairpin) return;
        const MediaSocket found{{transport, resolved->endpoint}, rtcp};
        const auto& further = stream_.further;
        const bool known = found.socket == Socket{stream_.transport, stream_.rtp} ||
                           found.socket == Socket{Transport::udp, stream_.rtcp} ||
                           std::any_of(further.begin(), further.end(), [&](const MediaSocket& other) {
                               return other.socket == found.socket;
                           });
        if (!known) stream_.further.push_back(found);
    }

    const sdp::Description& description_;
    const sdp::Media& media_;
    const sdp::AddressField& connection_;
    const Resolve& resolve_;
    Stream stream_;
};

bool lacks_setup(const Stream& stream) {
    return stream.setup == Setup::unspecified;
}

// The session itself if all roles are given, as in nearly every call.
SharedSession with_setup(const SharedSession& session, const auto& role) {
    if (std::none_of(session->begin(), session->end(), lacks_setup)) return session;
    Session settled = *session;
    for (Stream& stream : settled)
        if (lacks_setup(stream)) stream.setup = role(stream);
    return settled;
}

}  // namespace

void read_session(const sdp::Description& description, const Resolve& resolve, Session& session) {
    std::uint8_t line = 0;
    for (const sdp::Media& media : description.media()) {
        session.push_back(LineReader(description, media, resolve).read());
        session.back().line = line++;
    }
}

SharedSession with_offer_setup(const SharedSession& offer, const Session* agreed) {
    return with_setup(offer, [&](const Stream& stream) {
        const auto same = [&](const Stream& before) {
            return before.line == stream.line && before.transport == stream.transport &&
                   before.rtp == stream.rtp;
        };
        if (!agreed) return Setup::active;
        const auto before = std::find_if(agreed->begin(), agreed->end(), same);
        return before != agreed->end() ? before->setup : Setup::active;
    });
}

SharedSession with_answer_setup(const SharedSession& answer, const Session& offer) {
    return with_setup(answer, [&](const Stream& stream) {
        const bool offerer_waits = std::any_of(offer.begin(), offer.end(), [&](const Stream& offered) {
            return offered.line == stream.line && offered.setup == Setup::passive;
        });
        return offerer_waits ? Setup::active : Setup::passive;
    });
}

}  // namespace sipalg::call
