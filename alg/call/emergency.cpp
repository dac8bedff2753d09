#include "alg/call/emergency.hpp"

#include <algorithm>
#include <cctype>

#include "alg/sip/uri.hpp"

namespace sipalg::call {

namespace {

bool begins_with(std::string_view text, std::string_view lower) {
    return text.size() >= lower.size() &&
           std::equal(lower.begin(), lower.end(), text.begin(),
                      [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
}

}  // namespace

bool is_emergency(std::string_view request_uri, std::span<const std::string> numbers) {
    constexpr std::string_view service = "urn:service:sos";
    if (begins_with(request_uri, service)) {
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
