#include "alg/sip/start_line.hpp"

#include "alg/sip/text.hpp"

namespace sipalg::sip {

namespace {

constexpr std::string_view version = "sip/2.0";

// Status-Line = SIP-Version SP Status-Code SP Reason-Phrase; the SP before an empty reason is often left out.
StartLine parse_status_line(std::string_view line) {
    StartLine result;
    result.kind = StartLine::Kind::malformed;
    if (!text::starts_with(line, version) || line.size() < version.size() + 4) return result;
    std::string_view rest = line.substr(version.size());
    if (rest[0] != ' ' || (rest.size() > 4 && rest[4] != ' ')) return result;
    const auto status = text::number(rest.substr(1, 3), 699);
    if (!status || *status < 100) return result;
    result.status = static_cast<int>(*status);
    result.kind = StartLine::Kind::response;
    return result;
}

bool ends_in_version(std::string_view line) {
    if (line.size() < version.size() + 1) return false;
    const std::size_t begin = line.size() - version.size();
    return line[begin - 1] == ' ' && text::equals(line.substr(begin), version);
}

/// The last word is SIP in another version, or one with spaces behind it: wrong, but meant as SIP.
bool names_sip(std::string_view line) {
    while (!line.empty() && line.back() == ' ')
        line.remove_suffix(1);
    const std::size_t space = line.rfind(' ');
    return space != text::npos && text::starts_with(line.substr(space + 1), "sip/");
}

/// Headers behind the host, which a Request-URI may not have (RFC 3261 19.1.1, RFC 4475 3.1.2.11).
bool has_headers(std::string_view uri) {
    const std::size_t question = byte_scan::find<'?'>(uri);
    if (question == uri.size() || !(text::starts_with(uri, "sip:") || text::starts_with(uri, "sips:")))
        return false;
    return byte_scan::find<'@'>(uri, question) == uri.size() || byte_scan::find<'@'>(uri, 0) < question;
}

}  // namespace

StartLine parse_start_line(std::string_view line) {
    if (text::starts_with(line, "sip/")) return parse_status_line(line);

    StartLine result;
    const std::size_t method_end = byte_scan::find<' '>(line);
    if (method_end == 0 || method_end == line.size() || !text::is_token(line, 0, method_end)) return result;
    if (!ends_in_version(line)) {
        if (names_sip(line)) result.kind = StartLine::Kind::malformed;
        return result;
    }
    result.kind = StartLine::Kind::malformed;
    const std::size_t uri = method_end + 1;
    const std::size_t uri_end = line.size() - version.size() - 1;
    if (uri >= uri_end || !text::is(line[uri], text::letter)) return result;
    if (byte_scan::find_kind<byte_scan::SpaceOrControl>(line, uri, uri_end) != uri_end) return result;
    result.request_uri = text::slice(line, uri, uri_end);
    if (has_headers(result.request_uri)) return result;
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
