#include "alg/rewrite/signalling.hpp"

#include <charconv>
#include <string_view>

#include "alg/rewrite/alternatives.hpp"
#include "alg/sip/name_addr.hpp"
#include "alg/sip/uri.hpp"
#include "alg/sip/via.hpp"

namespace sipalg::rewrite {

namespace {

constexpr std::uint16_t sip_port = 5060;
constexpr std::uint16_t sips_port = 5061;

/// The text of a host and a port, written without allocating.
class HostPortText {
  public:
    HostPortText() = default;
    explicit HostPortText(const Address& address) {
        if (address.is_v6()) *end_++ = '[';
        end_ = address.write(end_);
        if (address.is_v6()) *end_++ = ']';
    }
    void add_port(const Written& written) {
        if (written.form == PortForm::absent) return;
        *end_++ = ':';
        if (written.form == PortForm::empty) return;
        const std::uint16_t port = written.form == PortForm::zero ? 0 : written.endpoint.port;
        end_ = std::to_chars(end_, text_ + sizeof text_, port).ptr;
    }
    operator std::string_view() const { return {text_, static_cast<std::size_t>(end_ - text_)}; }

  private:
    char text_[Address::max_text + sizeof "[]:65535" - 1];
    char* end_ = text_;
};

std::string_view port_part(const sip::HostPort& text) {
    return text.text.substr(text.host.size());
}

PortForm form_of(const sip::HostPort& text) {
    if (text.port) return PortForm::given;
    if (text.text.size() == text.host.size()) return PortForm::absent;
    return text.text.back() == ':' ? PortForm::empty : PortForm::zero;
}

WrittenPort port_of(const sip::HostPort& text) {
    return {text.port, form_of(text)};
}

void plan_port_number(const sip::HostPort& text, std::uint16_t port, Place place, Edits& edits) {
    if (text.port == port) return;
    const std::string_view part = port_part(text);
    edits.replace_number(part.substr(part.find_first_of("0123456789")), port, place);
}

// Host and port are separate edits, so that white space between them, which a sent-by may have, stays.
void plan_host_port(const sip::HostPort& text, const Written& written, Place place, Edits& edits) {
    const Address& address = written.endpoint.address;
    const bool same_form = form_of(text) == written.form;
    if (address.is_v6() || !same_form) {
        HostPortText host(address);
        if (!same_form) host.add_port(written);
        edits.replace(same_form ? text.host : text.text, host, place);
    } else {
        edits.replace(text.host, address, place);
    }
    if (same_form && text.port) plan_port_number(text, written.endpoint.port, place, edits);
}

// After a host that is kept.
void plan_port(const sip::HostPort& text, const Written& written, Place place, Edits& edits) {
    if (form_of(text) == written.form) {
        if (text.port) plan_port_number(text, written.endpoint.port, place, edits);
        return;
    }
    HostPortText port;
    port.add_port(written);
    edits.replace(port_part(text), port, place);
}

// Requests go to `maddr` in place of the host, at the host's port. True: the maddr was handled in place of
// the host.
bool plan_maddr(Transport transport, std::string_view maddr, const sip::HostPort& host_port,
                std::uint16_t standard, bool via, Place place, const Translation& translation, Edits& edits) {
    const auto literal = sip::parse_host_port(maddr);
    if (!literal || !literal->address || literal->port) {
        edits.keep(maddr, place, Kept::host_name);
        return false;
    }
    const auto written =
        translation.signalling(transport, *literal->address, port_of(host_port), standard, via);
    if (!written) {
        edits.keep(maddr, place, why_kept(literal->address, translation));
        return false;
    }
    if (host_port.address == literal->address)
        plan_host_port(host_port, *written, place, edits);
    else
        plan_port(host_port, *written, place, edits);
    plan_host_port(*literal, Written{{written->endpoint.address, 0}, form_of(*literal)}, place, edits);
    return true;
}

std::uint16_t standard_port(sip::Uri::Scheme scheme) {
    return scheme == sip::Uri::Scheme::sips ? sips_port : sip_port;
}

Kept why_not_literal(std::string_view text) {
    if (text == "*") return Kept::star;
    const auto uri = sip::parse_uri(text);
    if (!uri) return Kept::unreadable;
    const bool sip = uri->scheme == sip::Uri::Scheme::sip || uri->scheme == sip::Uri::Scheme::sips;
    return sip ? Kept::host_name : Kept::other_scheme;
}

Transport transport_to(std::string_view uri, const sip::HostPort& host_port, const Translation& translation) {
    return sip::transport_of(sip::transport(uri, host_port), translation.transport());
}

// Handles a host name with a maddr that may be an address. True: the maddr was handled in place of the host.
bool plan_named(std::string_view text, Place place, const Translation& translation, Edits& edits) {
    const std::string_view maddr = place == Place::identity ? std::string_view() : sip::maddr(text);
    const auto uri = maddr.empty() ? std::nullopt : sip::parse_uri(text);
    if (!uri || uri->host_port.host.empty()) return false;
    return plan_maddr(transport_to(text, uri->host_port, translation), maddr, uri->host_port,
                      standard_port(uri->scheme), false, place, translation, edits);
}

void plan_uri(std::string_view text, Place place, const Translation& translation, Edits& edits) {
    const auto uri = sip::literal_host(text);
    if (!uri) {
        if (!plan_named(text, place, translation, edits) && edits.explaining())
            edits.keep(text, place, why_not_literal(text));
        return;
    }
    const sip::HostPort& host_port = uri->host_port;
    const std::uint16_t standard = standard_port(uri->scheme);
    std::optional<Written> written;
    if (place == Place::identity && !host_port.port) {
        if (const auto host = translation.host(*host_port.address))
            written = Written{{*host, 0}, form_of(host_port)};
    } else {
        Transport transport = translation.transport();
        if (sip::has_parameters(text, host_port)) {
            const std::string_view maddr =
                place == Place::identity ? std::string_view() : sip::maddr(text, host_port);
            transport = transport_to(text, host_port, translation);
            if (!maddr.empty() &&
                plan_maddr(transport, maddr, host_port, standard, false, place, translation, edits))
                return;
        }
        written = translation.signalling(transport, *host_port.address, port_of(host_port), standard, false);
    }
    if (written)
        plan_host_port(host_port, *written, place, edits);
    else if (edits.explaining())
        edits.keep(host_port.host, place, why_kept(host_port.address, translation));
}

void plan_list(std::string_view value, Place place, const Translation& translation, Edits& edits) {
    std::string_view rest = value;
    std::string_view uri = sip::next_uri(rest);
    const bool readable = !uri.empty();
    for (; !uri.empty(); uri = sip::next_uri(rest))
        plan_uri(uri, place, translation, edits);
    if (!readable) edits.keep(value, place, Kept::unreadable);
}

std::uint16_t number(std::string_view text) {
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? value : std::uint16_t{0};
}

void plan_sent_by(const sip::Via& via, const Translation& translation, Edits& edits) {
    if (!via.maddr.empty() && plan_maddr(translation.transport(), via.maddr, via.sent_by, sip_port, true,
                                         Place::via_sent_by, translation, edits))
        return;
    if (!via.sent_by.address) return edits.keep(via.sent_by.host, Place::via_sent_by, Kept::host_name);
    const auto written = translation.signalling(translation.transport(), *via.sent_by.address,
                                                port_of(via.sent_by), sip_port, true);
    if (written)
        plan_host_port(via.sent_by, *written, Place::via_sent_by, edits);
    else
        edits.keep(via.sent_by.host, Place::via_sent_by, why_kept(via.sent_by.address, translation));
}

// Only the topmost via-parm can be the phone's: that of the sender of a request, or of the receiver of a
// response.
void plan_via(const sip::Via& via, const Translation& translation, Edits& edits) {
    plan_sent_by(via, translation, edits);
    if (!via.received && (!via.rport || via.rport->empty())) return;
    const auto received = via.received ? Address::parse(*via.received) : via.sent_by.address;
    const std::uint16_t port = via.rport ? number(*via.rport) : std::uint16_t{0};
    const auto seen = received ? translation.reflexive(Endpoint{*received, port}) : std::nullopt;
    if (!seen) {
        if (via.received)
            edits.keep(*via.received, Place::via_received,
                       received ? why_kept(received, translation) : Kept::unreadable);
        return;
    }
    if (via.received) edits.replace(*via.received, seen->address, Place::via_received);
    if (port != 0) edits.replace_number(*via.rport, seen->port, Place::via_rport);
}

// A From or To that is given twice has equal values.
void plan_party(const sip::Message& message, sip::HeaderId id, std::string_view uri,
                const Translation& translation, Edits& edits) {
    plan_uri(uri, Place::identity, translation, edits);
    if (!message.is_repeated(id)) return;
    const sip::Header& first = *message.first(id);
    const auto offset = static_cast<std::size_t>(uri.data() - first.value.data());
    for (const sip::Header& header : message.headers())
        if (header.id == id && &header != &first)
            plan_uri(header.value.substr(offset, uri.size()), Place::identity, translation, edits);
}

/// Notes why places that are never examined for an address are kept.
void explain_others(const sip::Message& message, const Translation& translation, Edits& edits) {
    const bool outbound = !translation.inbound();
    if (outbound && message.is_request())
        edits.keep(message.request_uri(), Place::request_uri, Kept::not_this_way);
    bool top = true;
    for (const sip::Header& header : message.headers()) {
        switch (header.id) {
            case sip::HeaderId::via:
                for (std::string_view rest = header.value; const auto via = sip::next_via(rest); top = false)
                    if (!top) edits.keep(via->sent_by.host, Place::via_sent_by, Kept::lower_via);
                break;
            case sip::HeaderId::route:
                for (std::string_view rest = header.value; outbound;) {
                    const auto entry = sip::next_name_addr(rest);
                    if (!entry) break;
                    edits.keep(entry->uri, Place::route, Kept::not_this_way);
                }
                break;
            case sip::HeaderId::call_id:
            case sip::HeaderId::authorization:
            case sip::HeaderId::proxy_authorization:
            case sip::HeaderId::replaces:
            case sip::HeaderId::identity: edits.keep(header.value, Place::fixed, Kept::never); break;
            default: break;
        }
    }
}

}  // namespace

void plan_head(const sip::Message& message, const Translation& translation, Edits& edits) {
    const bool inbound = translation.inbound();
    if (inbound && message.is_request())
        plan_uri(message.request_uri(), Place::request_uri, translation, edits);
    plan_via(message.top_via(), translation, edits);
    plan_party(message, sip::HeaderId::from, message.from_uri(), translation, edits);
    plan_party(message, sip::HeaderId::to, message.to_uri(), translation, edits);
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
            case sip::HeaderId::p_preferred_identity:
            case sip::HeaderId::remote_party_id:
            case sip::HeaderId::diversion:
            case sip::HeaderId::history_info:
            case sip::HeaderId::reply_to: plan_list(header.value, Place::identity, translation, edits); break;
            default: break;
        }
    }
    if (edits.explaining()) explain_others(message, translation, edits);
}

}  // namespace sipalg::rewrite
