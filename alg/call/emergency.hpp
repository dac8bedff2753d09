// Emergency calls, which have a reserve of their own (X7).
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sipalg::call {

/// Whether a Request-URI is that of an emergency call: urn:service:sos or one of its sub-services (RFC 5031
/// 4.2), or a sip, sips or tel URI whose user is one of the numbers, with or without parameters.
bool is_emergency(std::string_view request_uri, std::span<const std::string> numbers);

}  // namespace sipalg::call
