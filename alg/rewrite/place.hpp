// The places of a message that may change, the rule of each, and the reasons why a place is kept, for
// explanations.
#pragma once

#include <cstdint>
#include <string_view>

namespace sipalg::rewrite {

/// A place that rewriting examines.
enum class Place : std::uint8_t {
    request_uri,
    via_sent_by,
    via_received,
    via_rport,
    contact,
    route,
    record_route,
    path,
    /// From, To, Refer-To, Referred-By, Reply-To, P-Asserted-Identity, P-Preferred-Identity, Remote-Party-ID,
    /// Diversion, History-Info
    identity,
    sdp_origin,
    sdp_connection,
    sdp_port,
    sdp_rtcp,
    sdp_candidate,
    sdp_altc,
    sdp_path,
    content_length,
    fixed,  ///< Call-ID, credentials, Replaces, Identity
    count_
};
/// The rule for a change at `place`: "S3", "D1", …
std::string_view rule(Place place);
/// The name of the place for reports: "Contact", "c= line", …
std::string_view name(Place place);

/// The reason why a place was kept.
enum class Kept : std::uint8_t {
    changed,     ///< the place was changed, not kept
    same,        ///< already has the right value
    foreign,     ///< an address that is neither the phone's nor one of ours (S1)
    no_mapping,  ///< forbidden (X2), at a limit (X7), or the phone handles NAT itself (S2): nothing is mapped
    host_name,   ///< not a literal address (D6, S1)
    no_port,     ///< port 0 or 9: nothing is received there (D3)
    on_hold,     ///< 0.0.0.0 or :: (D3)
    half,        ///< another stream that uses the same c= can't be translated
    not_host,    ///< a candidate that is not of type host (D1)
    too_many,    ///< more ports in one m= line than are mapped
    unreadable,  ///< the value can't be read
    star,        ///< Contact: *
    other_scheme,  ///< not a sip or sips URI
    lower_via,     ///< a Via below the topmost, which belongs to another hop
    not_this_way,  ///< a place that only the other direction translates (S3, S4)
    never,         ///< a header that only the two ends use (S5)
    sealed,        ///< a signed, encrypted, encoded or digest-protected body (S5)
    count_
};
/// Its word, for example "foreign".
std::string_view word(Kept kept);
/// One sentence for people.
std::string_view sentence(Kept kept);

}  // namespace sipalg::rewrite
