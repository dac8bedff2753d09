// Hides credentials and telephone numbers in messages that are shown to people (X9).
#pragma once

#include <string>
#include <string_view>

namespace sipalg::facts {

/// The message with the digest responses, nonces of clients and other credentials of Authorization and
/// Proxy-Authorization as "x", each as long as it was, so that offsets and lengths stay (X9). Works on bytes
/// that are no message as well.
std::string mask_credentials(std::string_view message);

/// The last three digits of telephone numbers in sip:, sips: and tel: URIs as "x". A number has five digits
/// or more, at least half of the user part. The rest of the text stays.
std::string mask_numbers(std::string_view text);

}  // namespace sipalg::facts
