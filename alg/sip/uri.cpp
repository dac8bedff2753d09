#include "alg/sip/uri.hpp"

#include <array>

#include "alg/sip/parameters.hpp"
#include "alg/sip/text.hpp"

namespace sipalg::sip {

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char l = text::lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/// The byte at `position`, %-escapes decoded; `position` goes behind it. nullopt: a broken escape.
std::optional<char> unescape(std::string_view s, std::size_t& position) {
    const char c = s[position++];
    if (c != '%') return c;
    if (position + 2 > s.size()) return std::nullopt;
    const int high = hex_value(s[position]);
    const int low = hex_value(s[position + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    position += 2;
    return static_cast<char>(high * 16 + low);
}

/// An IPv4 literal in disguise ("%31%30.0.0.1"). Longer ones are names.
std::optional<Address> escaped_address(std::string_view host) {
    std::array<char, sizeof "255.255.255.255"> plain{};
    std::size_t size = 0;
    for (std::size_t i = 0; i < host.size();) {
        const auto c = unescape(host, i);
        if (!c || size == plain.size()) return std::nullopt;
        plain[size++] = *c;
    }
    return Address::parse({plain.data(), size});
}

}  // namespace

std::optional<HostPort> read_host_port(std::string_view s, std::size_t& position) {
    HostPort result;
    const std::size_t begin = position;
    std::size_t end = begin;
    if (begin < s.size() && s[begin] == '[') {
        const std::size_t close = s.find(']', begin);
        if (close == text::npos) return std::nullopt;
        result.address = Address::parse(text::slice(s, begin + 1, close));
        if (!result.address || !result.address->is_v6()) return std::nullopt;
        end = close + 1;
    } else {
        end = text::skip(s, begin, text::host);
        if (end < s.size() && s[end] == '%') {
            do
                end = text::skip(s, end + 1, text::host);
            while (end < s.size() && s[end] == '%');
            result.address = escaped_address(text::slice(s, begin, end));
        } else if (end > begin && text::is(s[begin], text::digit) && text::is(s[end - 1], text::digit)) {
            result.address = Address::parse(text::slice(s, begin, end));
        }
        if (end == begin) return std::nullopt;
    }
    result.host = text::slice(s, begin, end);
    position = text::skip(s, end, text::white);
    if (position < s.size() && s[position] == ':') {
        const std::size_t digits = text::skip(s, position + 1, text::white);
        end = text::skip(s, digits, text::digit);
        const auto port = text::number(text::slice(s, digits, end), 65535);
        if (!port || *port == 0) return std::nullopt;
        result.port = static_cast<std::uint16_t>(*port);
        position = end;
    } else {
        position = end;
    }
    result.text = text::slice(s, begin, end);
    return result;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
    const std::string_view trimmed = text::trim(text);
    std::size_t position = 0;
    const auto result = read_host_port(trimmed, position);
    if (position != trimmed.size()) return std::nullopt;
    return result;
}

std::optional<Uri> parse_uri(std::string_view text) {
    Uri uri;
    uri.text = text;
    const std::size_t colon = text.find(':');
    if (colon == text::npos || colon == 0 || !text::is(text[0], text::host) || text::is(text[0], text::digit))
        return std::nullopt;
    const std::string_view scheme = text.substr(0, colon);
    if (text::equals(scheme, "sip"))
        uri.scheme = Uri::Scheme::sip;
    else if (text::equals(scheme, "sips"))
        uri.scheme = Uri::Scheme::sips;
    else if (text::equals(scheme, "tel"))
        uri.scheme = Uri::Scheme::tel;
    else if (text::skip(scheme, 0, text::token) != scheme.size())
        return std::nullopt;
    if (uri.scheme != Uri::Scheme::sip && uri.scheme != Uri::Scheme::sips) return uri;

    // '@' is escaped wherever else it may stand, so the first one ends the user part, which may well hold
    // ';', '?' and '/' (RFC 4475 3.1.1.2).
    std::size_t position = colon + 1;
    const std::size_t at = text.find('@', position);
    if (at != text::npos) {
        uri.user = text::slice(text, position, at);
        position = at + 1;
    }
    const auto host_port = read_host_port(text, position);
    if (!host_port) return std::nullopt;
    uri.host_port = *host_port;
    if (position == text.size()) return uri;
    std::string_view rest = text.substr(position);
    if (rest.front() != ';' && rest.front() != '?') return std::nullopt;
    const std::size_t question = rest.find('?');
    if (question != text::npos) {
        uri.headers = rest.substr(question + 1);
        rest = rest.substr(0, question);
    }
    if (!rest.empty()) uri.parameters = rest.substr(1);
    return uri;
}

namespace {

/// `name` without regard to case, its escapes decoded: "%6Cr" is "lr" (RFC 3261 19.1.4).
bool same_name(std::string_view name, std::string_view wanted) {
    std::size_t i = 0;
    for (const char expected : wanted) {
        if (i == name.size()) return false;
        const auto c = unescape(name, i);
        if (!c || text::lower(*c) != text::lower(expected)) return false;
    }
    return i == name.size();
}

}  // namespace

std::optional<std::string_view> parameter(std::string_view parameters, std::string_view name) {
    Parameters walk(parameters, 0, Parameters::Comma::ordinary);
    while (walk.next())
        if (same_name(walk.name(), name)) return walk.value();
    return std::nullopt;
}

std::optional<NameAddr> next_name_addr(std::string_view& rest) {
    const std::string_view s = rest;
    rest = {};
    std::size_t begin = 0;
    while (begin < s.size() && (text::is(s[begin], text::white) || s[begin] == ','))
        ++begin;
    if (begin == s.size()) return std::nullopt;

    NameAddr result;
    std::size_t end = text::find(s, begin, text::before_uri);
    while (end < s.size() && s[end] == '"') {
        end = text::skip_quoted(s, end);
        if (end == text::npos) return std::nullopt;
        end = text::find(s, end, text::before_uri);
    }
    if (end < s.size() && s[end] == '<') {
        const std::size_t close = s.find('>', end);
        if (close == text::npos) return std::nullopt;
        result.uri = text::slice(s, end + 1, close);
        end = text::skip(s, close + 1, text::white);
        if (end < s.size() && s[end] != ';' && s[end] != ',') return std::nullopt;
    } else {
        result.uri = text::trim(text::slice(s, begin, end));
        result.star = result.uri == "*";
    }
    if (end < s.size() && s[end] == ';') {
        const std::size_t parameters = end + 1;
        for (;;) {
            end = text::find(s, end, text::in_value);
            if (end == s.size() || s[end] == ',') break;
            end = s[end] == '"' ? text::skip_quoted(s, end) : end + 1;
            if (end == text::npos) return std::nullopt;
        }
        result.parameters = text::trim(text::slice(s, parameters, end));
    }
    if (result.uri.empty()) return std::nullopt;
    result.text = text::trim(text::slice(s, begin, end));
    rest = s.substr(end);
    return result;
}

}  // namespace sipalg::sip
