#include "alg/sip/uri.hpp"

#include <algorithm>
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

/// Reads the byte at `position`, decodes a %-escape, and moves `position` after it. nullopt: a broken escape.
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

/// An IPv4 literal with escapes ("%31%30.0.0.1"). Longer hosts are names.
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

/// The length of the longest IPv6 reference. The search for its end stops there, so that many '[' take linear
/// time.
constexpr std::size_t max_reference = 64;

/// The byte that nearly always follows an address.
bool is_after_address(char c) {
    return c == ':' || c == ';' || c == '>' || text::is_white(c);
}

/// The position after the host at `begin`; npos: there is none. Stores the address if it is a literal.
std::size_t read_host(std::string_view s, std::size_t begin, std::optional<Address>& address) {
    if (begin < s.size() && s[begin] == '[') {
        const std::size_t limit = std::min(s.size(), begin + max_reference);
        const std::size_t close = byte_scan::find<']'>(s, begin, limit);
        if (close == limit) return text::npos;
        address = Address::parse(text::slice(s, begin + 1, close));
        return address && address->is_v6() ? close + 1 : text::npos;
    }
    // The usual address, after which the host ends.
    if (begin < s.size() && text::is(s[begin], text::digit)) {
        const std::size_t end = begin + Address::read_v4(s.substr(begin), address);
        if (end > begin && (end == s.size() || is_after_address(s[end]))) return end;
        address.reset();
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
        const std::size_t digits = text::skip(s, position + 1, text::white);
        end = digits;
        const auto port = text::read_number(s, end, 65535);
        if (!port && end != digits) return false;
        if (!port) end = position + 1;
        if (port && *port != 0) result.port = static_cast<std::uint16_t>(*port);
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

bool is_sip(Uri::Scheme scheme) {
    return scheme == Uri::Scheme::sip || scheme == Uri::Scheme::sips;
}

bool is_scheme(std::string_view name) {
    return !name.empty() && text::is(name[0], text::letter) &&
           text::skip(name, 0, text::token) == name.size();
}

/// The scheme of a URI; sets `end` to the position after its colon. A URI without one is a sip URI.
Uri::Scheme read_scheme(std::string_view uri, std::size_t& end) {
    constexpr std::string_view usual = "sip:";
    if (text::starts_with(uri, usual)) {
        end = usual.size();
        return Uri::Scheme::sip;
    }
    const std::size_t colon = byte_scan::find<':'>(uri);
    end = 0;
    if (colon == uri.size()) return Uri::Scheme::sip;
    const std::string_view name = text::trim(uri.substr(0, colon));
    const bool sip = text::equals(name, "sip"), sips = text::equals(name, "sips");
    if (!sip && !sips && !is_scheme(name)) return Uri::Scheme::sip;
    end = colon + 1;
    if (sip) return Uri::Scheme::sip;
    if (sips) return Uri::Scheme::sips;
    return text::equals(name, "tel") ? Uri::Scheme::tel : Uri::Scheme::other;
}

/// Reads the hostport of a URI at `position` and moves `position` after it.
bool read_uri_host_port(std::string_view uri, std::size_t& position, HostPort& result) {
    position = text::skip(uri, position, text::white);
    if (!read_host_port(uri, position, result)) return false;
    position = text::skip(uri, position, text::white);
    return position == uri.size() || uri[position] == ';' || uri[position] == '?' || uri[position] == '>';
}

/// Reads the hostport of a URI with slashes before it or other text after it, if its host is an address (S9),
/// and moves `position` to the parameters or headers.
bool read_loose_host_port(std::string_view uri, std::size_t& position, Uri& result) {
    const std::size_t at = uri.rfind('@');
    if (at != text::npos && at >= position) {
        result.user = text::slice(uri, position, at);
        position = at + 1;
    }
    position = text::skip(uri, position, text::white);
    while (position < uri.size() && uri[position] == '/')
        ++position;
    if (!read_host_port(uri, position, result.host_port)) return false;
    position = byte_scan::find<';', '?'>(uri, position);
    return result.host_port.address.has_value();
}

/// Reads the user part and the hostport after the scheme, which ends at `position`, and moves `position`
/// after the hostport. In a valid URI any other '@' is escaped, so the first one ends the user part, which
/// may contain ';', '?' and '/' (RFC 4475 3.1.1.2). An '@' that no hostport follows belongs to the user part.
bool read_user_host_port(std::string_view uri, std::size_t& position, Uri& result) {
    const std::size_t begin = position;
    std::size_t at = byte_scan::find<'@'>(uri, begin);
    if (at == uri.size() && read_uri_host_port(uri, position, result.host_port)) return true;
    for (; at < uri.size(); at = byte_scan::find<'@'>(uri, at + 1)) {
        position = at + 1;
        if (position < uri.size() && uri[position] == '@') continue;
        result.user = text::slice(uri, begin, at);
        if (read_uri_host_port(uri, position, result.host_port)) return true;
        result.host_port = {};
    }
    result.user = {};
    result.host_port = {};
    position = begin;
    return read_loose_host_port(uri, position, result);
}

bool read_uri(std::string_view text, Uri& uri) {
    uri.text = text;
    std::size_t position = 0;
    uri.scheme = read_scheme(text, position);
    if (!is_sip(uri.scheme)) return true;
    if (!read_user_host_port(text, position, uri)) return false;
    if (position == text.size()) return true;
    std::size_t question = position;
    if (text[position] == ';') {
        question = byte_scan::find<'?'>(text, position);
        uri.parameters = text::slice(text, position + 1, question);
    }
    if (question < text.size()) uri.headers = text.substr(question + 1);
    return true;
}

/// Whether the host at `host` may be a literal. It is usually a name, but blanks, slashes or another '@' may
/// precede the host.
bool may_have_literal(std::string_view uri, std::size_t host) {
    const char first = uri[host];
    return text::is(first, text::digit) || first == '[' || first == '%' || first == '/' ||
           text::is_white(first) || byte_scan::find<'@'>(uri, host) != uri.size();
}

/// The hostport of `uri`, whose user part or scheme ends at `position`.
bool read_literal_host(std::string_view uri, std::size_t position, HostPort& result) {
    const char first = uri[position];
    const bool begins_here = text::is(first, text::digit) || first == '[' || first == '%';
    if (begins_here && read_uri_host_port(uri, position, result)) return result.address.has_value();
    Uri whole;
    if (!read_uri(uri, whole)) return false;
    result = whole.host_port;
    return result.address.has_value();
}

}  // namespace

std::optional<Uri> parse_uri(std::string_view text) {
    std::optional<Uri> result(std::in_place);
    if (!read_uri(text, *result)) result.reset();
    return result;
}

std::optional<LiteralHost> literal_host(std::string_view uri) {
    std::optional<LiteralHost> result;
    std::size_t position = 0;
    const Uri::Scheme scheme = read_scheme(uri, position);
    if (!is_sip(scheme)) return result;
    const std::size_t at = byte_scan::find<'@'>(uri, position);
    if (at < uri.size()) position = at + 1;
    if (position == uri.size() || !may_have_literal(uri, position)) return result;
    result.emplace().scheme = scheme;
    if (!read_literal_host(uri, position, result->host_port)) result.reset();
    return result;
}

namespace {

/// Compares `name` without regard to case and with escapes decoded: "%6Cr" is "lr" (RFC 3261 19.1.4).
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
    const auto position = static_cast<std::size_t>(end - uri.data());
    return uri.substr(text::skip(uri, position, text::white));
}

// For most URIs the search for the first letter decides.
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
    const std::size_t at = byte_scan::find<'@'>(uri);
    return maddr_behind(uri.substr(byte_scan::find<';'>(uri, at < uri.size() ? at : 0)));
}

std::string_view transport(std::string_view uri, const HostPort& host_port) {
    const std::string_view rest = behind(uri, host_port);
    constexpr std::string_view first = ";transport=";
    if (text::starts_with(rest, first))
        return text::slice(rest, first.size(), byte_scan::find<';', '?'>(rest, first.size()));
    return parameter_behind<'t', 'T'>(rest, "transport");
}

Transport transport_of(std::string_view parameter, Transport of_packet) {
    if (text::equals(parameter, "udp")) return Transport::udp;
    return text::equals(parameter, "tcp") ? Transport::tcp : of_packet;
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

}  // namespace sipalg::sip
