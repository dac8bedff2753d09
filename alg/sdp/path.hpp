// The URIs of a=path (RFC 4975): msrp://host:port/session;tcp.
#pragma once

#include <optional>
#include <string_view>

#include "alg/sip/uri.hpp"

namespace sipalg::sdp {

/// Host and port of an MSRP URI; the port is required (RFC 4975 9). nullopt: not an MSRP URI, or it cannot be
/// read.
std::optional<sip::HostPort> msrp_host_port(std::string_view uri);

/// Removes the next word from a value and returns it; empty: the end. Blanks separate words.
std::string_view next_word(std::string_view& rest);

}  // namespace sipalg::sdp
