#include "alg/rewrite/place.hpp"

#include <array>
#include <cstddef>

#include "alg/base/enum_rows.hpp"

namespace sipalg::rewrite {

namespace {

struct PlaceRow {
    Place place;
    std::string_view rule, name;
};

constexpr std::array places{
    PlaceRow{Place::request_uri, "S4", "Request-URI"},
    PlaceRow{Place::via_sent_by, "S3", "Via sent-by"},
    PlaceRow{Place::via_received, "S4", "Via received"},
    PlaceRow{Place::via_rport, "S4", "Via rport"},
    PlaceRow{Place::contact, "S3", "Contact"},
    PlaceRow{Place::route, "S4", "Route"},
    PlaceRow{Place::record_route, "S3", "Record-Route"},
    PlaceRow{Place::path, "S3", "Path"},
    PlaceRow{Place::identity, "S3", "identity"},
    PlaceRow{Place::sdp_origin, "D1", "o="},
    PlaceRow{Place::sdp_connection, "D1", "c="},
    PlaceRow{Place::sdp_port, "D1", "m= port"},
    PlaceRow{Place::sdp_rtcp, "D1", "a=rtcp"},
    PlaceRow{Place::sdp_candidate, "D1", "a=candidate"},
    PlaceRow{Place::sdp_altc, "D1", "a=altc"},
    PlaceRow{Place::sdp_path, "D1", "a=path"},
    PlaceRow{Place::content_length, "S6", "Content-Length"},
    PlaceRow{Place::fixed, "S5", "protected header"},
};

struct KeptRow {
    Kept kept;
    std::string_view word, sentence;
};

constexpr std::array kept_rows{
    KeptRow{Kept::changed, "changed", "it was changed"},
    KeptRow{Kept::same, "same", "it already has the right value"},
    KeptRow{Kept::foreign, "foreign",
            "an address that is neither the phone's nor one of the router's mappings"},
    KeptRow{Kept::no_mapping, "no_mapping",
            "no mapping: the port is forbidden, a limit is reached, or the phone handles NAT itself"},
    KeptRow{Kept::host_name, "host_name", "a name, not an address"},
    KeptRow{Kept::no_port, "no_port", "port 0 or 9: nothing is received there"},
    KeptRow{Kept::on_hold, "on_hold", "the unspecified address: the stream is on hold"},
    KeptRow{Kept::half, "half", "another stream uses the same address and cannot be translated"},
    KeptRow{Kept::not_host, "not_host", "a candidate that is not of type host"},
    KeptRow{Kept::too_many, "too_many", "more ports in one line than are mapped"},
    KeptRow{Kept::unreadable, "unreadable", "the value cannot be read"},
    KeptRow{Kept::star, "star", "all contacts, not an address"},
    KeptRow{Kept::other_scheme, "other_scheme", "not a sip or sips URI"},
    KeptRow{Kept::lower_via, "lower_via", "a Via below the topmost, which belongs to another hop"},
    KeptRow{Kept::not_this_way, "not_this_way", "not translated in this direction"},
    KeptRow{Kept::never, "never", "identifies the dialog or authenticates the sender: never changed"},
    KeptRow{Kept::sealed, "sealed", "the body is signed, encrypted, encoded or protected by a digest"},
};

static_assert(is_in_order(places, &PlaceRow::place));
static_assert(is_in_order(kept_rows, &KeptRow::kept));

}  // namespace

std::string_view rule(Place place) {
    return places[static_cast<std::size_t>(place)].rule;
}
std::string_view name(Place place) {
    return places[static_cast<std::size_t>(place)].name;
}
std::string_view word(Kept kept) {
    return kept_rows[static_cast<std::size_t>(kept)].word;
}
std::string_view sentence(Kept kept) {
    return kept_rows[static_cast<std::size_t>(kept)].sentence;
}

}  // namespace sipalg::rewrite
