#include "alg/rewrite/media.hpp"

#include <array>
#include <charconv>
#include <string>

namespace sipalg::rewrite {

namespace {

bool starts_with_no_case(std::string_view text, std::string_view upper) {
    if (text.size() < upper.size()) return false;
    for (std::size_t i = 0; i < upper.size(); ++i)
        if ((text[i] & ~0x20) != upper[i]) return false;
    return true;
}

void replace_address(std::string_view target, const Address& address, Place place, Edits& edits) {
    std::string text;
    append(text, address);
    edits.replace(target, text, place);
}

void replace_number(std::string_view target, std::uint64_t number, Place place, Edits& edits) {
    std::string text;
    append(text, number);
    edits.replace(target, text, place);
}

// A length is changed by what its body grows, so that a length that was already off stays off by as much.
void grow(std::string_view digits, std::ptrdiff_t growth, Edits& edits) {
    std::int64_t length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (growth == 0 || error != std::errc{} || end != digits.data() + digits.size() || length + growth < 0)
        return;
    replace_number(digits, static_cast<std::uint64_t>(length + growth), Place::content_length, edits);
}

std::optional<Endpoint> translate(const sdp::Media& media, const sdp::AddressField& connection,
                                  const Translation& translation) {
    if (!connection.address || is_no_port(media.port)) return std::nullopt;
    return translation.media({transport_of(media), {*connection.address, media.port}});
}

// The address that takes the place of a c= address, told by the media that stand on it.
class Connection {
  public:
    // A stream on hold by c=0.0.0.0 shows nothing that could be half told.
    void add(const sdp::Media& media, const sdp::AddressField& connection,
             const std::optional<Endpoint>& translated) {
        if (translated && !host_) host_ = translated->address;
        const bool shown =
            !is_no_port(media.port) && !(connection.address && connection.address->is_unspecified());
        if (!translated && shown) torn_ = true;
    }
    bool torn() const { return torn_; }
    const std::optional<Address>& host() const { return host_; }

    void plan(const sdp::AddressField& field, const Translation& translation, Edits& edits) const {
        if (!field.address || torn_) return;
        if (const auto address = host_ ? host_ : translation.media_host(*field.address))
            replace_address(field.text, *address, Place::sdp_connection, edits);
    }

  private:
    std::optional<Address> host_;
    bool torn_ = false;
};

void plan_rtcp(const sdp::Media& media, const sdp::AddressField& connection, const Translation& translation,
               Edits& edits) {
    if (!media.rtcp) return;
    const auto& host = media.rtcp->address.address ? media.rtcp->address.address : connection.address;
    if (!host) return;
    const auto translated = translation.media({Transport::udp, {*host, media.rtcp->port}});
    if (!translated) return;
    replace_number(media.rtcp->port_text, translated->port, Place::sdp_rtcp, edits);
    if (media.rtcp->address.address)
        replace_address(media.rtcp->address.text, translated->address, Place::sdp_rtcp, edits);
}

}  // namespace

Transport transport_of(const sdp::Media& media) {
    return starts_with_no_case(media.proto, "TCP") ? Transport::tcp : Transport::udp;
}

void plan_description(const sdp::Description& description, const Translation& translation, Edits& edits) {
    std::array<std::optional<Endpoint>, sdp::Description::max_media> translated;
    Connection session;
    bool torn = false;
    const std::span<const sdp::Media> media = description.media();
    for (std::size_t i = 0; i < media.size(); ++i) {
        const sdp::AddressField& connection = description.connection(media[i]);
        translated[i] = translate(media[i], connection, translation);
        if (media[i].connection_count == 0) session.add(media[i], connection, translated[i]);
    }
    std::optional<Address> any_host;
    for (std::size_t i = 0; i < media.size(); ++i) {
        Connection own;
        const sdp::AddressField& connection = description.connection(media[i]);
        if (media[i].connection_count > 0) own.add(media[i], connection, translated[i]);
        if (media[i].connection_count > 0 ? own.torn() : session.torn()) {
            torn = true;
            continue;
        }
        for (const sdp::AddressField& field : description.connections(media[i])) {
            // A further c= (layered multicast, alternatives) is another address: told by nothing but itself.
            (field.address == connection.address ? own : Connection{}).plan(field, translation, edits);
        }
        if (translated[i]) {
            if (!any_host) any_host = translated[i]->address;
            if (translated[i]->port != media[i].port)
                replace_number(media[i].port_text, translated[i]->port, Place::sdp_port, edits);
        }
        plan_rtcp(media[i], connection, translation, edits);
    }
    for (const sdp::AddressField& field : description.connections())
        session.plan(field, translation, edits);
    const sdp::AddressField& origin = description.origin();
    if (!origin.address || torn) return;
    if (const auto host = translation.media_host(*origin.address))
        replace_address(origin.text, any_host.value_or(*host), Place::sdp_origin, edits);
}

void plan_body(const sip::Message& message, const sip::Bodies& bodies, const Translation& translation,
               sdp::Description& scratch, Edits& edits) {
    if (bodies.sealed) return;
    const std::size_t first = edits.planned().size();
    for (std::size_t i = 0; i < bodies.count; ++i) {
        const sip::SdpBody& part = bodies.sdp[i];
        if (!scratch.parse(part.text)) continue;
        const std::size_t before = edits.planned().size();
        plan_description(scratch, translation, edits);
        const std::ptrdiff_t growth = edits.growth(before);
        if (part.content_length) grow(*part.content_length, growth, edits);
    }
    // Equal ones may be repeated, and must stay equal.
    const std::ptrdiff_t growth = edits.growth(first);
    for (const sip::Header& header : message.headers())
        if (header.id == sip::HeaderId::content_length) grow(header.value, growth, edits);
}

}  // namespace sipalg::rewrite
