#include "alg/sip/splitter.hpp"

#include <algorithm>
#include <optional>

#include "alg/sip/header.hpp"
#include "alg/sip/header_lines.hpp"
#include "alg/sip/start_line.hpp"
#include "alg/sip/text.hpp"

namespace sipalg::sip {

namespace {

unsigned byte(std::string_view bytes, std::size_t index) {
    return static_cast<unsigned char>(bytes[index]);
}

std::size_t big_endian_16(std::string_view bytes, std::size_t index) {
    return byte(bytes, index) << 8 | byte(bytes, index + 1);
}

constexpr std::size_t max_method = 128;  // a stream that begins with a longer word is not SIP
constexpr std::size_t stun_header = 20;
constexpr std::string_view magic_cookie = "\x21\x12\xa4\x42";

/// The size of the STUN message at the beginning (RFC 8489 5); nullopt: none. Types from 0x2000 on are not
/// accepted: none is assigned, and a SIP message may begin with the same byte.
std::optional<std::size_t> stun_size(std::string_view bytes) {
    if (bytes.size() < stun_header || byte(bytes, 0) >= 0x20 || bytes.substr(4, 4) != magic_cookie)
        return std::nullopt;
    const std::size_t length = big_endian_16(bytes, 2);
    if (length % 4 != 0 || length + stun_header > max_message) return std::nullopt;
    return length + stun_header;
}

/// Whether the first few bytes of a stream can still become STUN or TLS.
bool may_become_binary(std::string_view bytes) {
    if (bytes.size() >= stun_header || byte(bytes, 0) >= 0x20) return false;
    return bytes.size() < 5 || magic_cookie.substr(0, bytes.size() - 4) == bytes.substr(4, 4);
}

/// Content type, then version 3.x of TLS (RFC 8446 5.1) or 254.x of DTLS (RFC 9147 4).
bool is_tls(std::string_view bytes) {
    return bytes.size() >= 3 && byte(bytes, 0) >= 20 && byte(bytes, 0) <= 26 &&
           ((byte(bytes, 1) == 3 && byte(bytes, 2) <= 4) || (byte(bytes, 1) == 254 && byte(bytes, 2) >= 252));
}

/// RFC 3550 5.1 and 6.4: version 2, and at least a fixed header.
bool is_rtp(std::string_view bytes) {
    return bytes.size() >= 8 && byte(bytes, 0) >> 6 == 2;
}

/// The first line of an HTTP/1 request or response, or as much of it as there is; HTTP/2's preface looks the
/// same.
bool is_http(std::string_view line) {
    if (text::starts_with(line, "http/")) return true;
    const std::size_t method = text::skip(line, 0, text::token);
    if (method > 0 && line.substr(method, 2) == " /") return true;
    const std::size_t space = line.rfind(' ');
    return space != text::npos && text::starts_with(line.substr(space + 1), "http/");
}

std::string_view first_line(std::string_view bytes, std::size_t begin, std::size_t line_feed) {
    const bool crlf = line_feed > begin && bytes[line_feed - 1] == '\r';
    return text::slice(bytes, begin, crlf ? line_feed - 1 : line_feed);
}

bool meant_as_sip(std::string_view line) {
    return parse_start_line(line).kind != StartLine::Kind::not_sip;
}

Piece rest_of_stream(Kind kind, std::string_view bytes) {
    return {kind, bytes.size()};
}
Piece need_more(std::string_view bytes) {
    return {Kind::need_more, 0, bytes.size() + 1, bytes.size()};
}

/// Whether the bytes can be the beginning of a start line. If this is true for a line, it is true for all its
/// beginnings, so the result does not depend on how a stream is split.
bool may_become_start_line(std::string_view bytes) {
    const std::size_t word = text::skip(bytes, 0, text::token);
    if (word > max_method) return false;
    if (word == bytes.size()) return true;
    // "SIP/2.0 200 OK": the slash is the first byte that no method has.
    if (word == 3 && bytes[word] == '/') return text::starts_with(bytes, "sip");
    return may_begin_request_line(bytes);
}

/// The length of the message whose complete head is the first `head_size` bytes; nullopt: unknown.
/// Conflicting, negative or oversized lengths are refused (X6).
std::optional<std::size_t> framed_size(std::string_view head, std::size_t headers_begin) {
    HeaderLines lines(head, headers_begin);
    std::optional<std::uint32_t> length;
    HeaderLines::Step step;
    while ((step = lines.next()) == HeaderLines::Step::header) {
        if (header_id(lines.name()) != HeaderId::content_length) continue;
        const auto value = content_length_value(lines.value());
        if (!value || (length && length != value)) return std::nullopt;
        length = value;
    }
    if (step != HeaderLines::Step::end) return std::nullopt;
    return lines.position() + length.value_or(0);
}

/// The position after the empty line that ends the head; npos: there is none. Bytes before `seen` were
/// already searched.
std::size_t find_head_end(std::string_view bytes, std::size_t headers_begin, std::size_t seen) {
    // The empty line may have begun up to two bytes before the new ones.
    std::size_t line_feed =
        byte_scan::find<'\n'>(bytes, std::max(headers_begin - 1, seen < 2 ? 0 : seen - 2));
    while (line_feed < bytes.size()) {
        std::size_t next = line_feed + 1;
        if (next < bytes.size() && bytes[next] == '\r') ++next;
        if (next < bytes.size() && bytes[next] == '\n') return next + 1;
        line_feed = byte_scan::find<'\n'>(bytes, line_feed + 1);
    }
    return text::npos;
}

}  // namespace

Kind classify_datagram(std::string_view datagram) {
    const std::size_t begin = skip_line_ends(datagram);
    if (begin == datagram.size()) return Kind::keep_alive;
    const std::size_t line_feed = byte_scan::find<'\n'>(datagram, begin);
    const std::string_view line = first_line(datagram, begin, line_feed);
    if (meant_as_sip(line)) return Kind::message;
    if (datagram.size() <= 4) return Kind::keep_alive;
    if (const auto size = stun_size(datagram); size && *size <= datagram.size()) return Kind::stun;
    if (is_tls(datagram)) return Kind::tls;
    if (is_rtp(datagram)) return Kind::rtp;
    if (is_http(line)) return Kind::http;
    return Kind::garbage;
}

Piece next_piece(std::string_view bytes, std::size_t seen) {
    if (bytes.empty()) return need_more(bytes);
    if (bytes[0] == '\r' || bytes[0] == '\n') {
        // All complete line ends; a CR at the end of the bytes may be half of one.
        std::size_t end = skip_line_ends(bytes);
        if (end == bytes.size() && bytes[end - 1] == '\r') --end;
        if (end == 0) return need_more(bytes);
        return {Kind::keep_alive, end};
    }
    // Tests that need fewer bytes come first, so that the result for a TLS record and a STUN message with the
    // same beginning does not depend on how the stream is split.
    if (is_tls(bytes)) return rest_of_stream(Kind::tls, bytes);
    if (const auto size = stun_size(bytes)) {
        if (bytes.size() >= *size) return {Kind::stun, *size};
        return {Kind::need_more, 0, *size};
    }
    if (may_become_binary(bytes)) return need_more(bytes);

    const std::size_t line_limit = std::min(bytes.size(), max_start_line);
    const std::size_t line_feed = byte_scan::find<'\n'>(bytes, 0, line_limit);
    if (line_feed == line_limit) {
        if (bytes.size() < max_start_line && may_become_start_line(bytes)) return need_more(bytes);
        return rest_of_stream(is_http(bytes) ? Kind::http : Kind::garbage, bytes);
    }
    const std::string_view line = first_line(bytes, 0, line_feed);
    if (!may_become_start_line(line) || !meant_as_sip(line))
        return rest_of_stream(is_http(line) ? Kind::http : Kind::garbage, bytes);

    const std::size_t head_size = find_head_end(bytes, line_feed + 1, seen);
    if (head_size == text::npos)
        return bytes.size() < max_head ? need_more(bytes) : rest_of_stream(Kind::garbage, bytes);
    const auto size = framed_size(bytes.substr(0, head_size), line_feed + 1);
    if (!size) return rest_of_stream(Kind::garbage, bytes);
    if (*size > max_message) return {Kind::oversize, *size};
    if (*size > bytes.size()) return {Kind::need_more, 0, *size, head_size - 1};
    return {Kind::message, *size};
}

}  // namespace sipalg::sip
