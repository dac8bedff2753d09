#include "alg/sip/start_line.hpp"

#include "alg/sip/text.hpp"

namespace sipalg::sip {

namespace {

constexpr std::string_view version = "sip/2.0";

bool is_letter(char c) {
    const char l = text::lower(c);
    return l >= 'a' && l <= 'z';
}

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

}  // namespace

StartLine parse_start_line(std::string_view line) {
    if (text::starts_with(line, "sip/")) return parse_status_line(line);

    StartLine result;
    const std::size_t method_end = text::skip(line, 0, text::token);
    if (method_end == 0 || method_end == line.size() || line[method_end] != ' ') return result;
    // The version is the last word. Spaces behind it are not allowed, but the line is still meant as SIP.
    std::size_t end = line.size();
    while (end > method_end && line[end - 1] == ' ')
        --end;
    const std::size_t last_space = line.rfind(' ', end - 1);
    if (last_space == text::npos || last_space < method_end) return result;
    if (!text::starts_with(line.substr(last_space + 1), "sip/")) return result;

    result.kind = StartLine::Kind::malformed;
    if (!text::equals(line.substr(last_space + 1), version) || last_space == method_end) return result;
    const std::string_view uri = text::slice(line, method_end + 1, last_space);
    if (uri.empty() || !is_letter(uri.front())) return result;
    for (const char c : uri)
        if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return result;
    result.method = line.substr(0, method_end);
    result.request_uri = uri;
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
