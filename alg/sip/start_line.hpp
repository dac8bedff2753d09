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
    std::string_view method;  ///< of a request
    /// Of a request: the bytes between method and version, without white space and angle brackets at their
    /// ends (RFC 4475 3.1.2.7). It may have white space inside (RFC 4475 3.1.2.8), but no other control
    /// bytes.
    std::string_view request_uri;
    int status = 0;  ///< of a response, 100 to 699
};

/// Reads a line without its line end. The words of a request line may be separated by several blanks and
/// tabs, and blanks may follow the last one (S9, RFC 4475 3.1.2.9 and 3.1.2.10); so may those of a status
/// line.
StartLine parse_start_line(std::string_view line);
/// Whether `line`, or the beginning of one, may begin a request line: a method, white space and the first
/// byte of a URI. A "/" or "*" there is HTTP's or RTSP's (X5).
bool may_begin_request_line(std::string_view line);

/// Number of line-end bytes at the front, which a receiver ignores (RFC 3261 7.5).
std::size_t skip_line_ends(std::string_view bytes);

}  // namespace sipalg::sip
