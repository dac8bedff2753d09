#include "alg/rewrite/media.hpp"

#include <charconv>

#include "alg/rewrite/alternatives.hpp"
#include "alg/sdp/transport.hpp"

namespace sipalg::rewrite {

namespace {

// A length changes by the growth of its body, so that a wrong length keeps its error.
void grow(std::string_view digits, std::ptrdiff_t growth, Edits& edits) {
    std::int64_t length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (growth == 0 || error != std::errc{} || end != digits.data() + digits.size() || length + growth < 0)
        return;
    edits.replace_number(digits, static_cast<std::uint64_t>(length + growth), Place::content_length);
}

/// The translated endpoint of a media line, or the reason why there is none.
struct Line {
    std::optional<Endpoint> translated;
    Kept kept = Kept::foreign;
    bool unused = false;  ///< its public port receives nothing, so only its own line is affected (S9)
};

// "port/count" only names the first port, so the translated ports must be consecutive too.
bool ports_follow(const sdp::Media& media, const Socket& first, const Endpoint& translated,
                  const Translation& translation) {
    for (unsigned i = 1; i < media.port_count; ++i) {
        const unsigned step = i * sdp::port_stride(media);
        Socket next = first;
        if (next.endpoint.port + step > 65535) return false;
        next.endpoint.port = static_cast<std::uint16_t>(next.endpoint.port + step);
        const auto there = translation.media(next);
        if (!there || there->address != translated.address || there->port != translated.port + step)
            return false;
    }
    return true;
}

Line translate(const sdp::Media& media, const sdp::AddressField& connection, const Translation& translation) {
    if (!connection.address) return {std::nullopt, Kept::host_name};
    if (sdp::is_no_port(media.port)) return {std::nullopt, Kept::no_port};
    const Socket first{sdp::transport_of(media), {*connection.address, media.port}};
    const auto refuse = [&](Kept kept) { return Line{std::nullopt, kept, translation.refused_alone(first)}; };
    if (media.port_count > sdp::max_port_count) return refuse(Kept::too_many);
    const auto translated = translation.media(first);
    if (!translated) return refuse(why_kept(connection.address, translation));
    if (!ports_follow(media, first, *translated, translation)) return refuse(Kept::no_mapping);
    return {translated, Kept::changed};
}

// The new address of a c=, from the media lines that use it. A line that cannot be translated (X2, X7) keeps
// its port and affects only itself, unless that port belongs to another phone at the new address.
class Connection {
  public:
    // A stream on hold by c=0.0.0.0 names no address that could be translated without its port.
    void add(const sdp::Media& media, const sdp::AddressField& connection, const Line& line) {
        if (line.translated && !host_) host_ = line.translated->address;
        const bool shown =
            !sdp::is_no_port(media.port) && !(connection.address && connection.address->is_unspecified());
        if (line.translated || !shown || kept_whole_) return;
        if (line.unused)
            has_unused_ = true;
        else
            kept_whole_ = true;
        reason_ = line.kept;
    }
    bool is_kept() const { return kept_whole_ || (has_unused_ && !host_); }
    const std::optional<Address>& host() const { return host_; }

    void plan(const sdp::AddressField& field, const Translation& translation, Edits& edits) const {
        if (!field.address || is_kept())
            return edits.keep(field.text, Place::sdp_connection, is_kept() ? reason_ : Kept::host_name);
        const auto address = host_ ? host_ : translation.media_host(*field.address);
        if (address == field.address)
            edits.keep(field.text, Place::sdp_connection, Kept::same);
        else if (address)
            edits.replace(field.text, *address, Place::sdp_connection);
        else
            edits.keep(field.text, Place::sdp_connection, why_kept(field.address, translation));
    }

  private:
    std::optional<Address> host_;
    bool kept_whole_ = false;
    bool has_unused_ = false;
    Kept reason_ = Kept::foreign;
};

}  // namespace

void plan_description(const sdp::Description& description, const Translation& translation, Edits& edits) {
    InlineTable<Line, sdp::Description::max_media> lines;
    Connection session;
    bool keeps_origin = false, has_unused = false;
    const std::span<const sdp::Media> media = description.media();
    for (std::size_t i = 0; i < media.size(); ++i) {
        const sdp::AddressField& connection = description.connection(media[i]);
        lines.add(translate(media[i], connection, translation));
        if (media[i].connection_count == 0) session.add(media[i], connection, lines[i]);
    }
    std::optional<Address> any_host;
    for (std::size_t i = 0; i < media.size(); ++i) {
        Connection own;
        const sdp::AddressField& connection = description.connection(media[i]);
        if (media[i].connection_count > 0) own.add(media[i], connection, lines[i]);
        if (media[i].connection_count > 0 ? own.is_kept() : session.is_kept()) {
            (lines[i].unused ? has_unused : keeps_origin) = true;
            const Kept kept = lines[i].translated ? Kept::half : lines[i].kept;
            edits.keep(media[i].port_text, Place::sdp_port, kept);
            for (const sdp::AddressField& field : description.connections(media[i]))
                edits.keep(field.text, Place::sdp_connection, kept);
            // A stream at another address (a relay, the other side) has its own alternatives.
            if (kept == Kept::foreign || kept == Kept::host_name)
                plan_alternatives(description, media[i], translation, edits);
            else
                keep_alternatives(description, media[i], kept, edits);
            continue;
        }
        for (const sdp::AddressField& field : description.connections(media[i])) {
            // A further c= (layered multicast, alternatives) is another address, for which no media line has
            // a translation.
            (field.address == connection.address ? own : Connection{}).plan(field, translation, edits);
        }
        if (lines[i].translated) {
            const Endpoint& there = *lines[i].translated;
            if (!any_host && there.address != connection.address) any_host = there.address;
            if (there.port == media[i].port)
                edits.keep(media[i].port_text, Place::sdp_port, Kept::same);
            else
                edits.replace_number(media[i].port_text, there.port, Place::sdp_port);
        } else {
            edits.keep(media[i].port_text, Place::sdp_port, lines[i].kept);
        }
        plan_alternatives(description, media[i], translation, edits);
    }
    for (const sdp::AddressField& field : description.connections())
        session.plan(field, translation, edits);
    keeps_origin = keeps_origin || (has_unused && !any_host);
    const sdp::AddressField& origin = description.origin();
    if (!origin.address || keeps_origin)
        return edits.keep(origin.text, Place::sdp_origin, keeps_origin ? Kept::half : Kept::host_name);
    if (const auto host = translation.media_host(*origin.address))
        edits.replace(origin.text, any_host.value_or(*host), Place::sdp_origin);
    else
        edits.keep(origin.text, Place::sdp_origin, why_kept(origin.address, translation));
}

bool plan_body(const sip::Message& message, const sip::Bodies& bodies, const Translation& translation,
               sdp::Description& scratch, Edits& edits) {
    const std::size_t first = edits.planned().size();
    for (std::size_t i = 0; i < bodies.sdp.size(); ++i) {
        const sip::SdpBody& part = bodies.sdp[i];
        if (!scratch.parse(part.text)) continue;
        const std::size_t before = edits.planned().size();
        plan_description(scratch, translation, edits);
        if (part.content_length) grow(*part.content_length, edits.growth(before), edits);
    }
    if (bodies.sealed) return !edits.discard(first, Kept::sealed);
    const std::ptrdiff_t growth = edits.growth(first);
    const sip::Header* const length = message.first(sip::HeaderId::content_length);
    if (growth == 0 || !length) return true;
    // The header may be repeated with equal values, which must stay equal.
    const std::span<const sip::Header> headers = message.headers();
    for (const sip::Header& header : headers.subspan(static_cast<std::size_t>(length - headers.data())))
        if (header.id == sip::HeaderId::content_length) grow(header.value, growth, edits);
    return true;
}

}  // namespace sipalg::rewrite
