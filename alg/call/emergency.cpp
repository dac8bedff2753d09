#include "alg/call/emergency.hpp"

#include <algorithm>

#include "alg/sip/text.hpp"
#include "alg/sip/uri.hpp"

namespace sipalg::call {

bool is_emergency(std::string_view request_uri, std::span<const std::string> numbers) {
    constexpr std::string_view service = "urn:service:sos";
    if (text::equals(request_uri.substr(0, service.size()), service)) {
        const std::string_view rest = request_uri.substr(service.size());
        return rest.empty() || rest.front() == '.';
    }
    const auto uri = sip::parse_uri(request_uri);
    if (!uri || uri->scheme == sip::Uri::Scheme::other) return false;
    std::string_view user = uri->user;
    if (uri->scheme == sip::Uri::Scheme::tel) user = uri->text.substr(uri->text.find(':') + 1);
    user = user.substr(0, user.find_first_of(";:"));
    return std::find(numbers.begin(), numbers.end(), user) != numbers.end();
}

}  // namespace sipalg::call
