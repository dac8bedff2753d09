// The headers and methods that matter to an ALG, with their compact names.
#pragma once

#include <cstdint>
#include <string_view>

namespace sipalg::sip {

enum class HeaderId : std::uint8_t {
    other,  ///< any header that is not listed below
    via,
    from,
    to,
    call_id,
    cseq,
    contact,
    route,
    record_route,
    path,
    service_route,
    refer_to,
    referred_by,
    p_asserted_identity,
    p_preferred_identity,
    remote_party_id,
    diversion,
    history_info,
    reply_to,
    replaces,
    content_type,
    content_length,
    content_encoding,
    content_transfer_encoding,
    content_disposition,
    expires,
    min_expires,
    session_expires,
    require,
    supported,
    rack,
    rseq,
    event,
    subscription_state,
    authorization,
    proxy_authorization,
    authentication_info,
    identity,
    user_agent,
    server,
    count_
};

/// The id of a long or compact name, in any case (RFC 3261 7.3.3 and the IANA registry); `other` if it is not
/// in the table. A compact name has the id of the long one (S10).
HeaderId header_id(std::string_view name);
/// The long name as RFC 3261 spells it; "" for other.
std::string_view long_name(HeaderId id);
/// Whether one line may have several values, separated by commas.
bool is_comma_list(HeaderId id);

enum class Method : std::uint8_t {
    unknown,
    invite,
    ack,
    bye,
    cancel,
    options,
    register_,
    prack,
    update,
    info,
    subscribe,
    notify,
    refer,
    message,
    publish
};
/// The id of a method, case-sensitive (RFC 3261 7.1). A message with an `unknown` method is handled by its
/// headers (S7).
Method method(std::string_view name);
/// "INVITE"; empty: unknown.
std::string_view name(Method method);
/// The same as method() in any case, for the CSeq of a device that writes "invite" (S9).
Method method_in_any_case(std::string_view name);

}  // namespace sipalg::sip
