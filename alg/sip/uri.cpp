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

std::size_t skip_host(std::string_view s, std::size_t from) {
    return byte_scan::find_kind<byte_scan::NotHost>(s, from, s.size());
}

/// Behind the host that begins at `begin`; npos: there is none. Notes the address if it is a literal.
std::size_t read_host(std::string_view s, std::size_t begin, std::optional<Address>& address) {
    if (begin < s.size() && s[begin] == '[') {
        const std::size_t close = byte_scan::find<']'>(s, begin);
        if (close == s.size()) return text::npos;
        address = Address::parse(text::slice(s, begin + 1, close));
        return address && address->is_v6() ? close + 1 : text::npos;
    }
    std::size_t end = skip_host(s, begin);
    if (end < s.size() && s[end] == '%') {
        do
            end = skip_host(s, end + 1);
        while (end < s.size() && s[end] == '%');
        address = escaped_address(text::slice(s, begin, end));
    } else if (end > begin && text::is(s[begin], text::digit) && text::is(s[end - 1], text::digit)) {
        address = Address::parse(text::slice(s, begin, end));
    }
    return end > begin ? end : text::npos;
}

}  // namespace

bool read_host_port(std::string_view s, std::size_t& position, HostPort& result) {
    const std::size_t begin = position;
    std::size_t end = read_host(s, begin, result.address);
    if (end == text::npos) return false;
    result.host = text::slice(s, begin, end);
    position = end;
    if (position < s.size() && s[position] != ':') position = text::skip(s, position, text::white);
    if (position < s.size() && s[position] == ':') {
        end = text::skip(s, position + 1, text::white);
        const auto port = text::read_number(s, end, 65535);
        if (!port || *port == 0) return false;
        result.port = static_cast<std::uint16_t>(*port);
    }
    position = end;
    result.text = text::slice(s, begin, end);
    return true;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
    const std::string_view trimmed = text::trim(text);
    std::size_t position = 0;
    std::optional<HostPort> result(std::in_place);
    if (!read_host_port(trimmed, position, *result) || position != trimmed.size()) result.reset();
    return result;
}

namespace {

std::optional<Uri::Scheme> scheme_of(std::string_view name) {
    if (text::equals(name, "sip")) return Uri::Scheme::sip;
    if (text::equals(name, "sips")) return Uri::Scheme::sips;
    if (text::equals(name, "tel")) return Uri::Scheme::tel;
    const bool letter_first = !name.empty() && text::is(name[0], text::letter);
    if (!letter_first || text::skip(name, 0, text::token) != name.size()) return std::nullopt;
    return Uri::Scheme::other;
}

bool is_sip(Uri::Scheme scheme) {
    return scheme == Uri::Scheme::sip || scheme == Uri::Scheme::sips;
}

/// Where the host begins, behind the user part if there is one.
std::size_t host_begin(std::string_view uri, std::size_t colon) {
    // '@' is escaped wherever else it may stand, so the first one ends the user part, which may well hold
    // ';', '?' and '/' (RFC 4475 3.1.1.2).
    const std::size_t at = byte_scan::find<'@'>(uri, colon + 1);
    return at < uri.size() ? at + 1 : colon + 1;
}

/// The hostport of a URI at `position`, which is left behind it.
bool read_uri_host_port(std::string_view uri, std::size_t& position, HostPort& result) {
    if (!read_host_port(uri, position, result)) return false;
    // White space around the colon is for sent-by alone.
    const std::string_view port = result.text.substr(result.host.size());
    if (!port.empty() && (port.front() != ':' || text::is_white(port[1]))) return false;
    return position == uri.size() || uri[position] == ';' || uri[position] == '?';
}

bool read_uri(std::string_view text, Uri& uri) {
    uri.text = text;
    const std::size_t colon = byte_scan::find<':'>(text);
    const auto scheme = scheme_of(text.substr(0, colon));
    if (colon == text.size() || !scheme) return false;
    uri.scheme = *scheme;
    if (!is_sip(uri.scheme)) return true;

    std::size_t position = host_begin(text, colon);
    if (position > colon + 1) uri.user = text::slice(text, colon + 1, position - 1);
    if (!read_uri_host_port(text, position, uri.host_port)) return false;
    if (position == text.size()) return true;
    std::size_t question = position;
    if (text[position] == ';') {
        question = byte_scan::find<'?'>(text, position);
        uri.parameters = text::slice(text, position + 1, question);
    }
    if (question < text.size()) uri.headers = text.substr(question + 1);
    return true;
}

bool read_literal_host(std::string_view uri, LiteralHost& result) {
    const std::size_t colon = byte_scan::find<':'>(uri);
    if (colon == uri.size()) return false;
    std::size_t position = host_begin(uri, colon);
    if (position == uri.size()) return false;
    const char first = uri[position];
    if (!text::is(first, text::digit) && first != '[' && first != '%') return false;
    const auto scheme = scheme_of(uri.substr(0, colon));
    if (!scheme || !is_sip(*scheme)) return false;
    result.scheme = *scheme;
    return read_uri_host_port(uri, position, result.host_port) && result.host_port.address;
}

}  // namespace

std::optional<Uri> parse_uri(std::string_view text) {
    std::optional<Uri> result(std::in_place);
    if (!read_uri(text, *result)) result.reset();
    return result;
}

std::optional<LiteralHost> literal_host(std::string_view uri) {
    std::optional<LiteralHost> result(std::in_place);
    if (!read_literal_host(uri, *result)) result.reset();
    return result;
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

namespace {

std::string_view behind(std::string_view uri, const HostPort& host_port) {
    const char* const end = host_port.text.data() + host_port.text.size();
    return uri.substr(static_cast<std::size_t>(end - uri.data()));
}

// Most URIs are done with by a look for the first letter.
template <char lower, char upper>
std::string_view parameter_behind(std::string_view rest, std::string_view name) {
    if (rest.empty() || rest.front() != ';' || byte_scan::find<lower, upper, '%'>(rest) == rest.size())
        return {};
    return parameter(rest.substr(0, byte_scan::find<'?'>(rest)), name).value_or(std::string_view());
}

std::string_view maddr_behind(std::string_view rest) {
    return parameter_behind<'m', 'M'>(rest, "maddr");
}

}  // namespace

std::string_view maddr(std::string_view uri, const HostPort& host_port) {
    return maddr_behind(behind(uri, host_port));
}

std::string_view maddr(std::string_view uri) {
    const std::size_t colon = byte_scan::find<':'>(uri);
    if (colon == uri.size()) return {};
    return maddr_behind(uri.substr(byte_scan::find<';'>(uri, host_begin(uri, colon))));
}

std::string_view transport(std::string_view uri, const HostPort& host_port) {
    const std::string_view rest = behind(uri, host_port);
    constexpr std::string_view first = ";transport=";
    if (text::starts_with(rest, first))
        return text::slice(rest, first.size(), byte_scan::find<';', '?'>(rest, first.size()));
    return parameter_behind<'t', 'T'>(rest, "transport");
}

std::optional<Transport> transport_of(std::string_view parameter, Transport otherwise) {
    if (parameter.empty()) return otherwise;
    if (text::equals(parameter, "udp")) return Transport::udp;
    for (const std::string_view name : {"tcp", "tls", "ws", "wss"})
        if (text::equals(parameter, name)) return Transport::tcp;
    return std::nullopt;
}

std::optional<LiteralTarget> literal_target(std::string_view uri) {
    const std::string_view value = maddr(uri);
    if (value.empty()) {
        const auto host = literal_host(uri);
        if (!host) return std::nullopt;
        return LiteralTarget{*host, transport(uri, host->host_port)};
    }
    const auto whole = parse_uri(uri);
    const auto address = parse_host_port(value);
    if (!whole || !is_sip(whole->scheme) || !address || !address->address) return std::nullopt;
    LiteralTarget result{{*address, whole->scheme}, transport(uri, whole->host_port)};
    result.host_port.port = whole->host_port.port;
    return result;
}

std::size_t skip_to_value(std::string_view rest) {
    std::size_t position = 0;
    while (position < rest.size() && (text::is(rest[position], text::white) || rest[position] == ','))
        ++position;
    return position;
}

namespace {

/// Reads the value that begins at `begin`; `end` is left behind it.
bool read_name_addr(std::string_view s, std::size_t begin, std::size_t& end, NameAddr& result) {
    end = byte_scan::find<'<', ';', ',', '"'>(s, begin);
    while (end < s.size() && s[end] == '"') {
        end = text::skip_quoted(s, end);
        if (end == text::npos) return false;
        end = byte_scan::find<'<', ';', ',', '"'>(s, end);
    }
    if (end < s.size() && s[end] == '<') {
        const std::size_t close = byte_scan::find<'>'>(s, end);
        if (close == s.size()) return false;
        result.uri = text::slice(s, end + 1, close);
        end = text::skip(s, close + 1, text::white);
        if (end < s.size() && s[end] != ';' && s[end] != ',') return false;
    } else {
        result.uri = text::trim(text::slice(s, begin, end));
        result.star = result.uri == "*";
    }
    if (result.uri.empty()) return false;
    if (end < s.size() && s[end] == ';') {
        const std::size_t parameters = end + 1;
        end = byte_scan::find<',', '"'>(s, parameters);
        while (end < s.size() && s[end] == '"') {
            end = text::skip_quoted(s, end);
            if (end == text::npos) return false;
            end = byte_scan::find<',', '"'>(s, end);
        }
        result.parameters = text::trim(text::slice(s, parameters, end));
    }
    result.text = text::trim(text::slice(s, begin, end));
    return true;
}

}  // namespace

std::optional<NameAddr> next_name_addr(std::string_view& rest) {
    const std::string_view s = rest;
    rest = {};
    const std::size_t begin = skip_to_value(s);
    std::optional<NameAddr> result;
    if (begin == s.size()) return result;
    std::size_t end = begin;
    result.emplace();
    if (read_name_addr(s, begin, end, *result))
        rest = s.substr(end);
    else
        result.reset();
    return result;
}

}  // namespace sipalg::sip
