// Hides credentials and telephone numbers in messages that are shown to people (X9).
#pragma once

#include <string>
#include <string_view>

namespace sipalg::facts {

/// Returns the message with each byte of digest responses, client nonces and other credentials in
/// Authorization and Proxy-Authorization replaced by "x", so that offsets and lengths stay the same (X9).
/// Bytes that are not a message are accepted too.
std::string mask_credentials(std::string_view message);

/// The last three digits of telephone numbers in sip:, sips: and tel: URIs as "x". A number has five digits
/// or more, at least half of the user part. The rest of the text stays.
std::string mask_numbers(std::string_view text);

}  // namespace sipalg::facts
