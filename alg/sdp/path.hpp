// The URIs of a=path (RFC 4975): msrp://host:port/session;tcp.
#pragma once

#include <optional>
#include <string_view>

#include "alg/sip/uri.hpp"

namespace sipalg::sdp {

/// Host and port of an MSRP URI; its port is required (RFC 4975 9). nullopt: it is none, or can't be read.
std::optional<sip::HostPort> msrp_host_port(std::string_view uri);

/// Takes the next word, which blanks separate, off a value. Empty at the end.
std::string_view next_word(std::string_view& rest);

}  // namespace sipalg::sdp
