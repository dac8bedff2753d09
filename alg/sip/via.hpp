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

/// Removes the next via-parm from `rest`, the value of a Via header with one or several via-parms, and
/// returns it. White space is allowed wherever the grammar allows LWS (`SIP / 2.0 / UDP host : 5060 ; branch
/// = x`). nullopt: the end, or a via-parm that cannot be read.
std::optional<Via> next_via(std::string_view& rest);
/// The same into `via`, which must be a default value. False: the end, or one that cannot be read.
bool next_via(std::string_view& rest, Via& via);

}  // namespace sipalg::sip
