// Via (RFC 3261 20.42, RFC 3581).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "alg/net/address.hpp"
#include "alg/sip/uri.hpp"

namespace sipalg::sip {

/// One via-parm. Views into the header's value.
struct Via {
    std::string_view text;       ///< the whole via-parm
    std::string_view transport;  ///< "UDP", in the sender's case
    HostPort sent_by;
    std::string_view parameters;               ///< after the first ';', without it
    std::string_view branch;                   ///< empty: none
    std::optional<std::string_view> received;  ///< the value (an IPv6 address with or without brackets)
    std::string_view maddr;                    ///< empty: none
    std::optional<std::string_view> rport;     ///< present without value: empty view
};

/// Takes the next via-parm off `rest` (a Via header's value, several in a line separated by commas). White
/// space is allowed wherever LWS is (`SIP / 2.0 / UDP host : 5060 ; branch = x`). nullopt at the end or when
/// unreadable.
std::optional<Via> next_via(std::string_view& rest);

}  // namespace sipalg::sip
