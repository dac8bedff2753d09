// The values of header fields with URIs: Contact, From, To, Route, Record-Route … (RFC 3261 20.10, 25.1).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sipalg::sip {

/// One value of Contact, From, Route …: [ display ] <uri> ;params, or addr-spec ;params, or "*". A display
/// name may have stray quotes, backslashes, commas and semicolons, and the '>' may be missing (S9).
struct NameAddr {
    std::string_view text;  ///< the whole value without white space at its ends
    std::string_view uri;   ///< between the brackets, or the addr-spec without header parameters; not empty
    /// The header parameters after the first ';'. If the '>' is missing, they count as the URI's too.
    std::string_view parameters;
    bool star = false;  ///< Contact: *
};
/// The beginning of the next value of a comma-separated list, after white space and empty elements.
std::size_t skip_to_value(std::string_view rest);
/// Removes the next value with a URI from `rest`, a header's value, and returns it. Values end at commas
/// outside quotes and angle brackets. nullopt: the end, and `rest` is empty. Linear in the value.
std::optional<NameAddr> next_name_addr(std::string_view& rest);
/// The same, but only returns the URI, which takes a third of the time (P1). Empty at the end.
std::string_view next_uri(std::string_view& rest);

/// The URI in a header that has only one value (From, To), so that commas do not separate.
struct UriPlace {
    std::string_view uri;  ///< as in NameAddr; may be empty
    std::size_t end = 0;   ///< the position of the ';' before the header parameters, or the size of the value
};
UriPlace find_single_uri(std::string_view value);

}  // namespace sipalg::sip
