// URIs and their parts: addr-spec, hostport, parameters (RFC 3261 19.1, 25.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "alg/net/address.hpp"

namespace sipalg::sip {

/// host [ ":" port ] of a URI or a Via sent-by.
struct HostPort {
    std::string_view text;           ///< the whole text with brackets, colon and port
    std::string_view host;           ///< with brackets if it is an IPv6 reference
    std::optional<Address> address;  ///< if the host is an address literal (%-escapes decoded) and not a name
    std::optional<std::uint16_t>
        port;  ///< when given; 1 to 65535. An empty port, or 0, counts as absent (S9)
};
/// nullopt: empty host, bad IPv6 reference, bad port. White space around the colon is allowed, as in sent-by.
std::optional<HostPort> parse_host_port(std::string_view text);
/// Reads a hostport at `position` and moves `position` after it. False: there is none.
bool read_host_port(std::string_view text, std::size_t& position, HostPort& result);

/// A sip:, sips: or tel: URI or any other absolute URI.
struct Uri {
    enum class Scheme : std::uint8_t { sip, sips, tel, other };
    Scheme scheme = Scheme::other;
    std::string_view text;
    std::string_view user;        ///< with password, escapes not decoded; empty: none
    HostPort host_port;           ///< sip and sips only
    std::string_view parameters;  ///< after the first ';' that follows the host
    std::string_view headers;     ///< after the '?'
};
/// Reads a URI. Accepts some forms that RFC 3261 forbids and devices write (S9): a URI without scheme, read
/// as a sip URI; blanks after the scheme and around the hostport; an '@' in the user part, where the host
/// begins after the first '@' that a hostport follows; a stray '>' after the hostport. nullopt: a sip or sips
/// URI whose hostport cannot be read.
std::optional<Uri> parse_uri(std::string_view text);

/// The scheme and hostport of a sip or sips URI whose host is an address literal. Most URIs need no more, and
/// the function is fast if the host is a name.
struct LiteralHost {
    HostPort host_port;
    Uri::Scheme scheme = Uri::Scheme::sip;
};
/// nullopt: the host is a name, the scheme is another one, or parse_uri() fails.
std::optional<LiteralHost> literal_host(std::string_view uri);

/// Whether parameters or headers follow the URI's hostport.
inline bool has_parameters(std::string_view uri, const HostPort& host_port) {
    return host_port.text.data() + host_port.text.size() < uri.data() + uri.size();
}
/// The value of the URI's transport parameter (RFC 3261 19.1.1), not decoded; empty: there is none.
std::string_view transport(std::string_view uri, const HostPort& host_port);
/// The transport of the mapping for a URI with that transport parameter: udp, tcp, or for any other value or
/// none, the transport of the packet.
Transport transport_of(std::string_view parameter, Transport of_packet);

/// The value of the URI's maddr parameter, not decoded: it replaces the host as the address to contact
/// (RFC 3261 19.1.1). Empty: there is none.
std::string_view maddr(std::string_view uri);
/// The same for a URI whose hostport is known.
std::string_view maddr(std::string_view uri, const HostPort& host_port);
/// The address to which a request for the URI is sent, if it is a literal: its maddr, else its host.
struct LiteralTarget : LiteralHost {
    std::string_view transport;  ///< the URI's parameter; empty: none
};
std::optional<LiteralTarget> literal_target(std::string_view uri);

/// Finds `name` or `name=value` among `;`-separated parameters, without regard to case; values may be quoted.
/// Returns the value with its quotes, or for a parameter without value an empty view with non-null data;
/// nullopt: not found.
std::optional<std::string_view> parameter(std::string_view parameters, std::string_view name);

}  // namespace sipalg::sip
