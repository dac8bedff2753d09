#include "alg/rewrite/signalling.hpp"

#include <charconv>
#include <string_view>

#include "alg/sip/uri.hpp"

namespace sipalg::rewrite {

namespace {

constexpr std::uint16_t sip_port = 5060;
constexpr std::uint16_t sips_port = 5061;

/// The text of a host and a port, written without allocating.
class HostPortText {
  public:
    explicit HostPortText(const Address& address) {
        if (address.is_v6()) *end_++ = '[';
        end_ = address.write(end_);
        if (address.is_v6()) *end_++ = ']';
    }
    void add_port(std::uint16_t port) {
        *end_++ = ':';
        end_ = std::to_chars(end_, text_ + sizeof text_, port).ptr;
    }
    operator std::string_view() const { return {text_, static_cast<std::size_t>(end_ - text_)}; }

  private:
    char text_[Address::max_text + sizeof "[]:65535" - 1];
    char* end_ = text_;
};

// Host and port are edited apart, so that white space between them (which a sent-by may have) stays as it is.
void plan_host_port(const sip::HostPort& text, const Written& written, Place place, Edits& edits) {
    const Address& address = written.endpoint.address;
    const bool drops_port = text.port && !written.with_port;
    if (address.is_v6() || (!text.port && written.with_port)) {
        HostPortText host(address);
        if (!text.port && written.with_port) host.add_port(written.endpoint.port);
        edits.replace(drops_port ? text.text : text.host, host, place);
    } else {
        edits.replace(drops_port ? text.text : text.host, address, place);
    }
    if (!text.port || drops_port || *text.port == written.endpoint.port) return;
    const std::string_view tail = text.text.substr(text.host.size());
    edits.replace_number(tail.substr(tail.find_first_of("0123456789")), written.endpoint.port, place);
}

void plan_uri(std::string_view text, Place place, const Translation& translation, Edits& edits) {
    const auto uri = sip::literal_host(text);
    if (!uri) return;
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
        plan_uri(entry->uri, place, translation, edits);
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
    if (via.received) edits.replace(*via.received, seen->address, Place::via_received);
    if (port != 0) edits.replace_number(*via.rport, seen->port, Place::via_rport);
}

}  // namespace

void plan_head(const sip::Message& message, const Translation& translation, Edits& edits) {
    const bool inbound = translation.inbound();
    if (inbound && message.is_request())
        plan_uri(message.request_uri(), Place::request_uri, translation, edits);
    plan_via(message.top_via(), translation, edits);
    plan_uri(message.from_uri(), Place::identity, translation, edits);
    plan_uri(message.to_uri(), Place::identity, translation, edits);
    for (const sip::Header& header : message.headers()) {
        switch (header.id) {
            case sip::HeaderId::contact: plan_list(header.value, Place::contact, translation, edits); break;
            case sip::HeaderId::record_route:
                plan_list(header.value, Place::record_route, translation, edits);
                break;
            case sip::HeaderId::path: plan_list(header.value, Place::path, translation, edits); break;
            case sip::HeaderId::route:
                if (inbound) plan_list(header.value, Place::route, translation, edits);
                break;
            case sip::HeaderId::refer_to:
            case sip::HeaderId::referred_by:
            case sip::HeaderId::p_asserted_identity:
            case sip::HeaderId::reply_to: plan_list(header.value, Place::identity, translation, edits); break;
            default: break;
        }
    }
}

}  // namespace sipalg::rewrite
