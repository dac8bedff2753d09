// The first line of a message (RFC 3261 7.1, 7.2).
#pragma once

#include <cstdint>
#include <string_view>

namespace sipalg::sip {

struct StartLine {
    enum class Kind : std::uint8_t {
        request,
        response,
        malformed,  ///< names SIP, but violates the grammar or has another version
        not_sip,
    };
    Kind kind = Kind::not_sip;
    std::string_view method;  ///< of a request
    /// Of a request: the text between method and version, without white space and angle brackets at its ends
    /// (RFC 4475 3.1.2.7). May have white space inside (RFC 4475 3.1.2.8), but no other control bytes.
    std::string_view request_uri;
    int status = 0;  ///< of a response, 100 to 699
};

/// Reads a line without its line end. Several blanks and tabs may separate the words, and blanks may follow
/// the last one (S9, RFC 4475 3.1.2.9 and 3.1.2.10).
StartLine parse_start_line(std::string_view line);
/// Whether `line` may be the beginning of a request line: a method, white space and the first byte of a URI.
/// A URI with "/" or "*" as its first byte is one of HTTP or RTSP (X5).
bool may_begin_request_line(std::string_view line);

/// Number of line-end bytes at the front, which a receiver ignores (RFC 3261 7.5).
std::size_t skip_line_ends(std::string_view bytes);

}  // namespace sipalg::sip
