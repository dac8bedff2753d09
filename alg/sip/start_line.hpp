// The first line of a message (RFC 3261 7.1, 7.2).
#pragma once

#include <cstdint>
#include <string_view>

namespace sipalg::sip {

struct StartLine {
    enum class Kind : std::uint8_t {
        request,
        response,
        malformed,  ///< meant as SIP: names the protocol, but breaks the grammar or has another version
        not_sip,
    };
    Kind kind = Kind::not_sip;
    std::string_view method;       ///< of a request
    std::string_view request_uri;  ///< of a request: a scheme's first letter, no white space or controls
    int status = 0;                ///< of a response, 100 to 699
};

/// Reads a line without its line end.
StartLine parse_start_line(std::string_view line);

/// Line ends at the front, which a receiver passes over (RFC 3261 7.5).
std::size_t skip_line_ends(std::string_view bytes);

}  // namespace sipalg::sip
