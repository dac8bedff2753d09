// URIs and the values that hold them: addr-spec, name-addr, lists of them (RFC 3261 19.1, 20.10, 25.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "alg/net/address.hpp"

namespace sipalg::sip {

/// host [ ":" port ] of a URI or a Via sent-by.
struct HostPort {
    std::string_view text;           ///< all of it with brackets, colon and port
    std::string_view host;           ///< with brackets if it is an IPv6 reference
    std::optional<Address> address;  ///< when the host is an address literal (%-escapes decoded), not a name
    std::optional<std::uint16_t>
        port;  ///< when given; 1 to 65535. An empty port, or 0, counts as absent (S9)
};
/// nullopt: empty host, bad IPv6 reference, bad port. White space around the colon is allowed (sent-by has
/// it).
std::optional<HostPort> parse_host_port(std::string_view text);
/// The same from `position` on, as far as it goes: `position` is left behind it. False: there is none.
bool read_host_port(std::string_view text, std::size_t& position, HostPort& result);

/// A sip:, sips: or tel: URI or any other absolute URI.
struct Uri {
    enum class Scheme : std::uint8_t { sip, sips, tel, other };
    Scheme scheme = Scheme::other;
    std::string_view text;
    std::string_view user;        ///< with password, escapes not decoded; empty: none
    HostPort host_port;           ///< sip and sips only
    std::string_view parameters;  ///< after the first ';' behind the host, without it
    std::string_view headers;     ///< after '?', without it
};
/// Takes what devices write although RFC 3261 forbids it (S9): a URI without scheme, read as a sip URI;
/// blanks behind the scheme and around the hostport; an '@' inside the user part, where the host begins
/// behind the last one that no hostport follows; a stray '>' behind the hostport. nullopt: a sip or sips URI
/// whose hostport cannot be read.
std::optional<Uri> parse_uri(std::string_view text);

/// The hostport of a sip or sips URI whose host is an address literal, and the scheme: all that is asked of
/// most URIs, at little cost where the host is a name.
struct LiteralHost {
    HostPort host_port;
    Uri::Scheme scheme = Uri::Scheme::sip;
};
/// nullopt: the host is a name, the scheme another, or parse_uri() would not take the text.
std::optional<LiteralHost> literal_host(std::string_view uri);

/// Whether anything follows the URI's hostport: parameters, or headers.
inline bool has_parameters(std::string_view uri, const HostPort& host_port) {
    return host_port.text.data() + host_port.text.size() < uri.data() + uri.size();
}
/// The value of the URI's transport parameter (RFC 3261 19.1.1), not decoded; empty: there is none.
std::string_view transport(std::string_view uri, const HostPort& host_port);
/// The transport of the mapping for a URI with that transport parameter: udp and tcp have mappings of their
/// own; for any other, or none, it is that of the packet which carries the URI.
Transport transport_of(std::string_view parameter, Transport of_packet);

/// The value of the URI's maddr parameter, not decoded: it replaces the host as the address to contact
/// (RFC 3261 19.1.1). Empty: there is none.
std::string_view maddr(std::string_view uri);
/// The same where the URI's hostport is known.
std::string_view maddr(std::string_view uri, const HostPort& host_port);
/// Where a request to the URI goes, if that is an address literal: its maddr, else its host.
struct LiteralTarget : LiteralHost {
    std::string_view transport;  ///< the URI's parameter; empty: none
};
std::optional<LiteralTarget> literal_target(std::string_view uri);

/// `name` or `name=value` among ;-separated parameters (quoted values understood); names compare without
/// case. Returns the value (quotes kept; empty view with non-null data for a parameter without value),
/// nullopt if absent.
std::optional<std::string_view> parameter(std::string_view parameters, std::string_view name);

/// One value of Contact, From, Route …: [ display ] <uri> ;params, or addr-spec ;params, or "*". A display
/// name may have stray quotes, backslashes, commas and semicolons, and the '>' may be missing (S9).
struct NameAddr {
    std::string_view text;  ///< the whole value, no white space at its ends
    std::string_view uri;   ///< between the brackets, or the addr-spec without header parameters; not empty
    /// Header parameters after the first ';', without it. Where the '>' is missing they are the URI's as
    /// well.
    std::string_view parameters;
    bool star = false;  ///< Contact: *
};
/// Where the next value of a comma-separated list begins: past white space and empty elements.
std::size_t skip_to_value(std::string_view rest);
/// Takes the next value with a URI off `rest` (a header's value): values end at commas outside quotes and
/// brackets. nullopt at the end; then `rest` is empty. Linear in the value.
std::optional<NameAddr> next_name_addr(std::string_view& rest);

/// The URI in the value of a header that has one value only (From, To), so that commas have no meaning.
struct UriPlace {
    std::string_view uri;  ///< as in NameAddr; may be empty
    std::size_t end = 0;   ///< the ';' in front of the header parameters, or the size of the value
};
UriPlace find_single_uri(std::string_view value);

}  // namespace sipalg::sip
