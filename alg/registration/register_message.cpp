#include "alg/registration/register_message.hpp"

#include <algorithm>

#include "alg/sip/delta_seconds.hpp"
#include "alg/sip/name_addr.hpp"
#include "alg/sip/uri.hpp"

namespace sipalg::registration {

namespace {

constexpr std::size_t max_contacts = 16;

// Some quote the number, as RFC 2543 quoted dates (S9).
std::optional<std::int64_t> expires_of(const sip::NameAddr& contact) {
    const auto parameter = sip::parameter(contact.parameters, "expires");
    if (!parameter) return std::nullopt;
    const bool quoted = !parameter->empty() && parameter->front() == '"';
    return sip::delta_seconds(parameter->substr(quoted ? 1 : 0));
}

}  // namespace

std::string aor_of(const sip::Message& message) {
    const sip::Header* header = message.first(sip::HeaderId::to);
    if (!header) return {};
    std::string_view rest = header->value;
    const auto entry = sip::next_name_addr(rest);
    const auto uri = entry ? sip::parse_uri(entry->uri) : std::nullopt;
    if (!uri) return {};
    const std::string_view host = uri->host_port.text;
    if (host.empty()) return std::string(uri->text);
    return std::string(
        uri->text.substr(0, static_cast<std::size_t>(host.data() + host.size() - uri->text.data())));
}

bool each_contact(const sip::Message& message, const OwnContact& own,
                  const std::function<void(const ListedContact&)>& visit) {
    bool star = false;
    std::size_t count = 0;
    for (const sip::Header& header : message.headers()) {
        if (header.id != sip::HeaderId::contact) continue;
        std::string_view rest = header.value;
        while (const auto entry = sip::next_name_addr(rest)) {
            if (entry->star) star = true;
            const auto uri = sip::literal_target(entry->uri);
            if (!uri) continue;
            const auto inside =
                own(uri->transport, *uri->host_port.address, uri->host_port.port.value_or(5060));
            if (!inside || ++count > max_contacts) continue;
            const auto whole = sip::parse_uri(entry->uri);
            visit({*inside, whole ? whole->user : std::string_view(), expires_of(*entry)});
        }
    }
    return star;
}

std::vector<Address> neighbours(const ReceivedMessage& received) {
    std::string_view nearest, first;
    for (const sip::Header& header : received.message.headers()) {
        if (header.id != sip::HeaderId::path && header.id != sip::HeaderId::service_route) continue;
        std::string_view rest = header.value;
        while (const auto entry = sip::next_name_addr(rest)) {
            if (header.id == sip::HeaderId::path) nearest = entry->uri;
            if (header.id == sip::HeaderId::service_route && first.empty()) first = entry->uri;
        }
    }
    std::vector<Address> found;
    for (const std::string_view uri : {nearest, first}) {
        const auto target = uri.empty() ? std::nullopt : sip::literal_target(uri);
        if (!target) continue;
        const Address& address = *target->host_port.address;
        const bool odd = address.is_unspecified() || address.is_loopback() || address.is_multicast() ||
                         address.is_broadcast() || address.family() != received.peer.family() ||
                         address == received.egress.address || address == received.egress.advertised;
        if (!odd && address != received.peer && std::find(found.begin(), found.end(), address) == found.end())
            found.push_back(address);
    }
    return found;
}

}  // namespace sipalg::registration
