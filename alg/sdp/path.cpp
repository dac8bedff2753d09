#include "alg/sdp/path.hpp"

#include "alg/base/byte_scan.hpp"
#include "alg/sip/text.hpp"

namespace sipalg::sdp {

std::string_view next_word(std::string_view& rest) {
    std::size_t begin = 0;
    while (begin < rest.size() && (rest[begin] == ' ' || rest[begin] == '\t'))
        ++begin;
    const std::size_t end = byte_scan::find<' ', '\t'>(rest, begin);
    const std::string_view word = text::slice(rest, begin, end);
    rest.remove_prefix(end);
    return word;
}

std::optional<sip::HostPort> msrp_host_port(std::string_view uri) {
    const std::size_t colon = byte_scan::find<':'>(uri);
    const std::string_view scheme = uri.substr(0, colon);
    if (!text::equals(scheme, "msrp") && !text::equals(scheme, "msrps")) return std::nullopt;
    if (!text::starts_with(uri.substr(colon), "://")) return std::nullopt;
    const std::size_t begin = colon + 3;
    std::string_view authority = text::slice(uri, begin, byte_scan::find<'/', ';'>(uri, begin));
    const std::size_t at = authority.rfind('@');
    if (at != std::string_view::npos) authority.remove_prefix(at + 1);
    auto host_port = sip::parse_host_port(authority);
    if (host_port && !host_port->port) host_port.reset();
    return host_port;
}

}  // namespace sipalg::sdp
