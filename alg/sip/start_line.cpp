#include "alg/sip/start_line.hpp"

#include <algorithm>

#include "alg/sip/text.hpp"

namespace sipalg::sip {

namespace {

constexpr std::string_view version = "sip/2.0";

std::size_t skip_blanks(std::string_view line, std::size_t from) {
    while (from < line.size() && text::is_blank(line[from]))
        ++from;
    return from;
}

/// The beginning of the trailing blanks of [0, end).
std::size_t trim_blanks(std::string_view line, std::size_t end) {
    while (end > 0 && text::is_blank(line[end - 1]))
        --end;
    return end;
}

/// The beginning of the last word of a line.
std::size_t last_word(std::string_view line) {
    std::size_t begin = line.size();
    while (begin > 0 && !text::is_blank(line[begin - 1]))
        --begin;
    return begin;
}

// Status-Line = SIP-Version SP Status-Code SP Reason-Phrase; the SP before an empty reason is often left out.
StartLine parse_status_line(std::string_view line) {
    StartLine result;
    result.kind = StartLine::Kind::malformed;
    if (!text::starts_with(line, version)) return result;
    const std::size_t begin = skip_blanks(line, version.size());
    std::size_t end = begin;
    const auto status = text::read_number(line, end, 699);
    if (begin == version.size() || end != begin + 3 || !status || *status < 100) return result;
    if (end < line.size() && !text::is_blank(line[end])) return result;
    result.status = static_cast<int>(*status);
    result.kind = StartLine::Kind::response;
    return result;
}

/// Whether a URI can begin with this byte: that of a scheme, of a user or a host if the scheme is missing, a
/// bracket, or a display name before it. '/' and '*' begin the targets of HTTP and RTSP (X5).
bool may_begin_uri(char c) {
    const auto byte = static_cast<unsigned char>(c);  // the sign of char differs between machines
    return byte > ' ' && byte < 0x7f && c != '/' && c != '*';
}

/// Whether there are only white space and printable bytes.
bool has_control(std::string_view s) {
    for (std::size_t i = 0;; ++i) {
        i = byte_scan::find_kind<byte_scan::SpaceOrControl>(s, i);
        if (i == s.size()) return false;
        if (!text::is_blank(s[i])) return true;
    }
}

std::string_view without_brackets(std::string_view uri) {
    uri.remove_prefix(1);
    if (!uri.empty() && uri.back() == '>') uri.remove_suffix(1);
    return text::trim(uri);
}

}  // namespace

bool may_begin_request_line(std::string_view line) {
    const std::size_t method_end = text::skip(line, 0, text::token);
    if (method_end == line.size()) return true;
    const std::size_t uri = skip_blanks(line, method_end);
    return method_end > 0 && uri > method_end && (uri == line.size() || may_begin_uri(line[uri]));
}

StartLine parse_start_line(std::string_view line) {
    if (text::starts_with(line, "sip/")) return parse_status_line(line);

    StartLine result;
    std::size_t version_begin = line.size() - std::min(line.size(), version.size());
    // The form of nearly all lines: the version is at the end, after a space.
    const bool usual = version_begin > 0 && line[version_begin - 1] == ' ' &&
                       text::equals(line.substr(version_begin), version);
    if (!usual) {
        line = line.substr(0, trim_blanks(line, line.size()));
        version_begin = last_word(line);
        if (!text::starts_with(line.substr(version_begin), "sip/")) return result;
    }
    const std::size_t method_end = byte_scan::find<' ', '\t'>(line);
    if (method_end == 0 || !text::is_token(line, 0, method_end)) return result;
    result.kind = StartLine::Kind::malformed;
    const std::size_t uri = skip_blanks(line, method_end);
    if (uri >= version_begin || !may_begin_uri(line[uri])) return result;
    if (!usual && !text::equals(line.substr(version_begin), version)) return result;
    result.request_uri = text::slice(line, uri, trim_blanks(line, version_begin));
    if (has_control(result.request_uri)) return result;
    if (result.request_uri.front() == '<') result.request_uri = without_brackets(result.request_uri);
    if (result.request_uri.empty()) return result;
    result.method = line.substr(0, method_end);
    result.kind = StartLine::Kind::request;
    return result;
}

std::size_t skip_line_ends(std::string_view bytes) {
    std::size_t position = 0;
    while (position < bytes.size() && (bytes[position] == '\r' || bytes[position] == '\n'))
        ++position;
    return position;
}

}  // namespace sipalg::sip
