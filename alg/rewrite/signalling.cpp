#include "alg/rewrite/signalling.hpp"

#include <charconv>
#include <string>

#include "alg/sip/uri.hpp"
#include "alg/sip/via.hpp"

namespace sipalg::rewrite {

namespace {

constexpr std::uint16_t sip_port = 5060;
constexpr std::uint16_t sips_port = 5061;

void append_host(std::string& out, const Address& address) {
    if (address.is_v6()) out += '[';
    append(out, address);
    if (address.is_v6()) out += ']';
}

// Host and port are edited apart, so that white space between them (which a sent-by may have) stays as it is.
void plan_host_port(const sip::HostPort& text, const Written& written, Place place, Edits& edits) {
    std::string host;
    append_host(host, written.endpoint.address);
    if (!text.port) {
        if (written.with_port) {
            host += ':';
            append(host, written.endpoint.port);
        }
        edits.replace(text.host, host, place);
        return;
    }
    if (!written.with_port) {
        edits.replace(text.text, host, place);
        return;
    }
    edits.replace(text.host, host, place);
    if (*text.port == written.endpoint.port) return;
    const std::string_view tail = text.text.substr(text.host.size());
    const std::size_t first = tail.find_first_of("0123456789");
    const std::size_t last = tail.find_last_of("0123456789");
    std::string port;
    append(port, written.endpoint.port);
    edits.replace(tail.substr(first, last - first + 1), port, place);
}

void plan_uri(std::string_view text, Place place, const Translation& translation, Edits& edits) {
    const auto uri = sip::parse_uri(text);
    if (!uri || !uri->host_port.address) return;
    const sip::HostPort& host_port = uri->host_port;
    if (place == Place::identity && !host_port.port) {
        if (const auto host = translation.host(*host_port.address))
            plan_host_port(host_port, Written{{*host, 0}, false}, place, edits);
        return;
    }
    const std::uint16_t standard = uri->scheme == sip::Uri::Scheme::sips ? sips_port : sip_port;
    if (const auto written = translation.signalling(*host_port.address, host_port.port, standard, false))
        plan_host_port(host_port, *written, place, edits);
}

void plan_list(std::string_view value, Place place, const Translation& translation, Edits& edits) {
    while (const auto entry = sip::next_name_addr(value))
        if (!entry->star) plan_uri(entry->uri, place, translation, edits);
}

std::uint16_t number(std::string_view text) {
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? value : std::uint16_t{0};
}

// Only the topmost via-parm can be the phone's own: it sent the request, or gets the response.
void plan_via(const sip::Via& via, const Translation& translation, Edits& edits) {
    if (via.sent_by.address) {
        const auto written = translation.signalling(*via.sent_by.address, via.sent_by.port, sip_port, true);
        if (written) plan_host_port(via.sent_by, *written, Place::via_sent_by, edits);
    }
    if (!via.received && (!via.rport || via.rport->empty())) return;
    const auto received = via.received ? Address::parse(*via.received) : via.sent_by.address;
    if (!received) return;
    const std::uint16_t port = via.rport ? number(*via.rport) : std::uint16_t{0};
    const auto seen = translation.reflexive(Endpoint{*received, port});
    if (!seen) return;
    std::string text;
    if (via.received) {
        append(text, seen->address);
        edits.replace(*via.received, text, Place::via_received);
    }
    if (port != 0) {
        text.clear();
        append(text, seen->port);
        edits.replace(*via.rport, text, Place::via_rport);
    }
}

}  // namespace

void plan_head(const sip::Message& message, const Translation& translation, Edits& edits) {
    const bool inbound = translation.inbound();
    if (inbound && message.is_request())
        plan_uri(message.request_uri(), Place::request_uri, translation, edits);
    bool top = true;
    for (const sip::Header& header : message.headers()) {
        switch (header.id) {
            case sip::HeaderId::via:
                if (top) plan_via(message.top_via(), translation, edits);
                top = false;
                break;
            case sip::HeaderId::contact: plan_list(header.value, Place::contact, translation, edits); break;
            case sip::HeaderId::record_route:
                plan_list(header.value, Place::record_route, translation, edits);
                break;
            case sip::HeaderId::path: plan_list(header.value, Place::path, translation, edits); break;
            case sip::HeaderId::route:
                if (inbound) plan_list(header.value, Place::route, translation, edits);
                break;
            case sip::HeaderId::from:
            case sip::HeaderId::to:
            case sip::HeaderId::refer_to:
            case sip::HeaderId::referred_by:
            case sip::HeaderId::p_asserted_identity:
            case sip::HeaderId::reply_to: plan_list(header.value, Place::identity, translation, edits); break;
            default: break;
        }
    }
}

}  // namespace sipalg::rewrite
