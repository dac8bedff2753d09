#include "alg/rewrite/alternatives.hpp"

#include "alg/sdp/path.hpp"
#include "alg/sdp/transport.hpp"
#include "alg/sip/text.hpp"

namespace sipalg::rewrite {

namespace {

// Translates an endpoint whose address and port are separate words.
void plan_endpoint(const std::optional<Address>& address, std::string_view address_text, std::uint16_t port,
                   std::string_view port_text, Transport transport, Place place,
                   const Translation& translation, Edits& edits) {
    if (!address || sdp::is_no_port(port))
        return edits.keep(address_text, place, address ? Kept::no_port : Kept::host_name);
    const auto translated = translation.media({transport, {*address, port}});
    if (!translated) return edits.keep(address_text, place, why_kept(address, translation));
    // An endpoint that does not change keeps its notation.
    if (*translated == Endpoint{*address, port}) return edits.keep(address_text, place, Kept::same);
    edits.replace(address_text, translated->address, place);
    edits.replace_number(port_text, translated->port, place);
}

void plan_rtcp(const sdp::Rtcp& rtcp, const sdp::AddressField& connection, const Translation& translation,
               Edits& edits) {
    if (!rtcp.address.text.empty())
        return plan_endpoint(rtcp.address.address, rtcp.address.text, rtcp.port, rtcp.port_text,
                             Transport::udp, Place::sdp_rtcp, translation, edits);
    if (!connection.address) return edits.keep(rtcp.port_text, Place::sdp_rtcp, Kept::host_name);
    const auto translated = translation.media({Transport::udp, {*connection.address, rtcp.port}});
    if (translated)
        edits.replace_number(rtcp.port_text, translated->port, Place::sdp_rtcp);
    else
        edits.keep(rtcp.port_text, Place::sdp_rtcp, why_kept(connection.address, translation));
}

// The candidates of the other side, which the peer names as it received them (RFC 8839 5.2).
void plan_remote_candidates(std::string_view rest, const Translation& translation, Edits& edits) {
    while (true) {
        const std::string_view component = sdp::next_word(rest);
        const std::string_view host = sdp::next_word(rest);
        const std::string_view digits = sdp::next_word(rest);
        if (digits.empty()) return;
        const auto port = text::number(digits, 65535);
        if (component.empty() || !port) return;
        plan_endpoint(Address::parse(host), host, static_cast<std::uint16_t>(*port), digits, Transport::udp,
                      Place::sdp_candidate, translation, edits);
    }
}

void plan_path(std::string_view rest, const Translation& translation, Edits& edits) {
    for (std::string_view uri = sdp::next_word(rest); !uri.empty(); uri = sdp::next_word(rest)) {
        const auto host_port = sdp::msrp_host_port(uri);
        if (!host_port) {
            edits.keep(uri, Place::sdp_path, Kept::unreadable);
            continue;
        }
        std::string_view host = host_port->host;
        const std::string_view port = host_port->text.substr(host.size() + 1);
        if (host.front() == '[') host = host.substr(1, host.size() - 2);
        plan_endpoint(host_port->address, host, *host_port->port, port, Transport::tcp, Place::sdp_path,
                      translation, edits);
    }
}

// C9: the public endpoint of another phone on this side, which a router seldom lets in from inside.
bool is_another_phones(const sdp::Candidate& candidate, Transport transport, const Translation& translation) {
    return candidate.address.address &&
           translation.of_another_phone({transport, {*candidate.address.address, candidate.port}});
}

}  // namespace

Kept why_kept(const std::optional<Address>& address, const Translation& translation) {
    if (!address) return Kept::host_name;
    if (address->is_unspecified()) return Kept::on_hold;
    return translation.concerns(*address) ? Kept::no_mapping : Kept::foreign;
}

void plan_alternatives(const sdp::Description& description, const sdp::Media& media,
                       const Translation& translation, Edits& edits) {
    if (media.rtcp) plan_rtcp(*media.rtcp, description.connection(media), translation, edits);
    for (const sdp::Candidate& candidate : description.candidates(media)) {
        const Transport transport = candidate.tcp ? Transport::tcp : Transport::udp;
        if (!candidate.host && !is_another_phones(candidate, transport, translation)) {
            edits.keep(candidate.address.text, Place::sdp_candidate, Kept::not_host);
            continue;
        }
        plan_endpoint(candidate.address.address, candidate.address.text, candidate.port, candidate.port_text,
                      transport, Place::sdp_candidate, translation, edits);
    }
    for (const sdp::Altc& altc : description.altc(media))
        plan_endpoint(altc.address.address, altc.address.text, altc.port, altc.port_text,
                      sdp::transport_of(media), Place::sdp_altc, translation, edits);
    plan_remote_candidates(media.remote_candidates, translation, edits);
    plan_path(media.path, translation, edits);
}

void keep_alternatives(const sdp::Description& description, const sdp::Media& media, Kept kept,
                       Edits& edits) {
    if (media.rtcp) edits.keep(media.rtcp->port_text, Place::sdp_rtcp, kept);
    for (const sdp::Candidate& candidate : description.candidates(media))
        edits.keep(candidate.address.text, Place::sdp_candidate, kept);
    for (const sdp::Altc& altc : description.altc(media))
        edits.keep(altc.address.text, Place::sdp_altc, kept);
    if (!media.path.empty()) edits.keep(media.path, Place::sdp_path, kept);
}

}  // namespace sipalg::rewrite
