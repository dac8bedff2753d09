#include "alg/sip/body.hpp"

#include "alg/sip/header_lines.hpp"
#include "alg/sip/parameters.hpp"
#include "alg/sip/text.hpp"
#include "alg/sip/uri.hpp"

namespace sipalg::sip {

namespace {

/// Content-Type: type "/" subtype *(";" parameter), white space allowed around the slash.
struct MediaType {
    std::string_view type, subtype;
    std::string_view parameters;
};

MediaType media_type(std::string_view value) {
    MediaType result;
    const std::size_t semicolon = byte_scan::find<';'>(value);
    const std::string_view name = value.substr(0, semicolon);
    const std::size_t slash = byte_scan::find<'/'>(name);
    if (slash == name.size()) return result;
    result.type = text::trim(name.substr(0, slash));
    // Text after the subtype without a semicolon before it, such as a second type, is ignored (S9).
    const std::string_view rest = text::trim(name.substr(slash + 1));
    result.subtype = rest.substr(0, byte_scan::find<' ', '\t', '\r', '\n', ','>(rest));
    result.parameters = value.substr(semicolon);
    return result;
}

std::string_view without_quotes(std::string_view value) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        return value.substr(1, value.size() - 2);
    return value;
}

bool is_identity(std::string_view encoding) {
    return encoding.empty() || text::equals(encoding, "identity");
}

/// One body or part: its bytes and the headers that describe them.
struct Entity {
    std::string_view bytes;
    std::string_view type;
    std::string_view encoding;
    std::string_view transfer_encoding;
    std::optional<std::string_view> length;

    bool is_plain_text() const {
        return is_identity(encoding) && !text::equals(transfer_encoding, "base64") &&
               !text::equals(transfer_encoding, "quoted-printable");
    }
};

/// The parts between the delimiter lines of a multipart body (RFC 2046 5.1.1).
class Parts {
  public:
    Parts(std::string_view body, std::string_view boundary) : body_(body), boundary_(boundary) {
        begin_ = find_delimiter().after;
    }

    /// The next part without its delimiter lines and without the line end before the closing one; nullopt: no
    /// more. If the last delimiter is missing, the last part ends with the body (S9).
    std::optional<std::string_view> next() {
        if (last_) return std::nullopt;
        const Delimiter close = find_delimiter();
        const std::size_t begin = begin_;
        if (close.before == text::npos) return body_.substr(begin);
        begin_ = close.after;
        std::size_t end = close.before;
        if (end > begin && body_[end - 1] == '\n') --end;
        if (end > begin && body_[end - 1] == '\r') --end;
        return text::slice(body_, begin, end);
    }

  private:
    struct Delimiter {
        std::size_t before = text::npos;  ///< where its line begins; npos: there is none
        std::size_t after = 0;            ///< where the next line begins
    };

    /// Finds the next delimiter line, and notes if it is the last one.
    Delimiter find_delimiter() {
        while (position_ < body_.size()) {
            const std::size_t begin = position_;
            const std::size_t line_feed = byte_scan::find<'\n'>(body_, begin);
            position_ = line_feed + (line_feed < body_.size() ? 1 : 0);
            const std::string_view line = text::slice(body_, begin, line_feed);
            if (line.substr(0, 2) != "--" || line.substr(2, boundary_.size()) != boundary_) continue;
            std::string_view rest = line.substr(2 + boundary_.size());
            const bool last = rest.substr(0, 2) == "--";
            if (last) rest.remove_prefix(2);
            if (!text::trim(rest).empty()) continue;
            last_ = last;
            return {begin, position_};
        }
        last_ = true;
        return {};
    }

    std::string_view body_, boundary_;
    std::size_t position_ = 0;  // the position of the next line to examine
    std::size_t begin_ = 0;     // of the part
    bool last_ = false;
};

/// Reads a part's header lines. nullopt: they do not end, and the part is ignored.
std::optional<Entity> read_part(std::string_view part) {
    Entity entity;
    HeaderLines lines(part, 0);
    HeaderLines::Step step;
    while ((step = lines.next()) == HeaderLines::Step::header) {
        switch (header_id(lines.name())) {
            case HeaderId::content_type: entity.type = lines.value(); break;
            case HeaderId::content_encoding: entity.encoding = lines.value(); break;
            case HeaderId::content_transfer_encoding: entity.transfer_encoding = lines.value(); break;
            case HeaderId::content_length:
                if (content_length_value(lines.value())) entity.length = lines.value();
                break;
            default: break;
        }
    }
    if (step != HeaderLines::Step::end) return std::nullopt;
    entity.bytes = part.substr(lines.position());
    return entity;
}

enum class Content : std::uint8_t { sdp, multipart, multipart_signed, enciphered, other };

Content content_of(const MediaType& type) {
    if (text::equals(type.type, "application")) {
        if (text::equals(type.subtype, "sdp")) return Content::sdp;
        return text::equals(type.subtype, "pkcs7-mime") ? Content::enciphered : Content::other;
    }
    if (!text::equals(type.type, "multipart")) return Content::other;
    if (text::equals(type.subtype, "signed")) return Content::multipart_signed;
    return text::equals(type.subtype, "encrypted") ? Content::enciphered : Content::multipart;
}

void collect(const Entity& entity, int depth, Bodies& bodies) {
    const MediaType type = media_type(entity.type);
    const Content content = content_of(type);
    // Only these types seal the whole body; a sealed part of a multipart does not seal the other parts.
    if (depth == 0)
        bodies.sealed = content == Content::enciphered || content == Content::multipart_signed ||
                        !is_identity(entity.encoding);
    if (content == Content::other || content == Content::enciphered || !entity.is_plain_text()) return;
    if (content == Content::sdp) {
        bodies.sdp.add({entity.bytes, entity.length});
        return;
    }
    constexpr int max_depth = 2;
    const std::string_view boundary =
        without_quotes(parameter(type.parameters, "boundary").value_or(std::string_view()));
    if (boundary.empty() || depth == max_depth) return;
    const std::size_t before = bodies.sdp.size();
    Parts parts(entity.bytes, boundary);
    while (const auto part = parts.next())
        if (const auto inner = read_part(*part)) collect(*inner, depth + 1, bodies);
    if (content == Content::multipart_signed && bodies.sdp.size() > before) bodies.sealed = true;
}

/// A quick search for the word: most credentials do not contain it, so that their parameters need not be
/// read.
bool mentions_auth_int(std::string_view credentials) {
    constexpr std::string_view word = "auth-int";
    constexpr std::size_t before = 4;  // its '-'
    for (std::size_t dash = byte_scan::find<'-'>(credentials); dash < credentials.size();
         dash = byte_scan::find<'-'>(credentials, dash + 1))
        if (dash >= before && text::equals(credentials.substr(dash - before, word.size()), word)) return true;
    return false;
}

/// Digest credentials whose protection covers the body (RFC 8760, RFC 7616 3.4).
bool has_auth_int(std::string_view credentials) {
    if (!mentions_auth_int(credentials)) return false;
    // Authentication-Info has no scheme: its first token is the name of a parameter.
    std::size_t begin = text::skip(credentials, text::skip(credentials, 0, text::token), text::white);
    if (begin < credentials.size() && credentials[begin] == '=') begin = 0;
    Parameters walk(credentials, begin, Parameters::Comma::separates);
    while (walk.next())
        if (text::equals(walk.name(), "qop") && text::equals(without_quotes(walk.value()), "auth-int"))
            return true;
    return false;
}

std::string_view value_of(const Message& message, HeaderId id) {
    const Header* header = message.first(id);
    return header ? header->value : std::string_view();
}

bool is_auth_int_used(const Message& message) {
    const auto uses = [&message](HeaderId id) {
        if (!message.first(id)) return false;
        for (const Header& header : message.headers())
            if (header.id == id && has_auth_int(header.value)) return true;
        return false;
    };
    return uses(HeaderId::authorization) || uses(HeaderId::proxy_authorization) ||
           uses(HeaderId::authentication_info);
}

/// Whether a body that has no type is a description. Some user agents omit the type, and sofia-sip, for
/// example, reads such a body as a description (S9).
bool is_untyped_description(std::string_view body) {
    return text::trim(body).substr(0, 2) == "v=";
}

}  // namespace

Bodies find_sdp(const Message& message) {
    Bodies bodies;
    if (message.body().empty()) return bodies;
    std::string_view type = value_of(message, HeaderId::content_type);
    if (type.empty() && is_untyped_description(message.body())) type = "application/sdp";
    const bool encoded =
        message.first(HeaderId::content_encoding) || message.first(HeaderId::content_transfer_encoding);
    if (!encoded && text::equals(type, "application/sdp")) {  // the usual form, which needs no parsing
        bodies.sdp.add({message.body(), std::nullopt});
    } else {
        collect({message.body(), type, value_of(message, HeaderId::content_encoding),
                 value_of(message, HeaderId::content_transfer_encoding), std::nullopt},
                0, bodies);
    }
    if (bodies.sdp.size() > 0 && !bodies.sealed) bodies.sealed = is_auth_int_used(message);
    return bodies;
}

}  // namespace sipalg::sip
