// Which addresses and ports in a session description are changed, and into what (D1).
#pragma once

#include "alg/rewrite/edits.hpp"
#include "alg/rewrite/translation.hpp"
#include "alg/sdp/description.hpp"
#include "alg/sip/body.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::rewrite {

/// The transport of a media line's packets: TCP for "TCP/…", UDP for everything else.
Transport transport_of(const sdp::Media& media);

/// A port that names no socket: 0 (rejected, or not used), 9 (discard: TCP active side, trickled ICE).
constexpr bool is_no_port(std::uint16_t port) {
    return port == 0 || port == 9;
}

/// Plans the edits of one description. A c= is changed only when every media that stands on it can be: a
/// phone must never be told half of an endpoint.
void plan_description(const sdp::Description& description, const Translation& translation, Edits& edits);

/// Plans the edits of all descriptions of a message and of the lengths that follow from them (S6). `scratch`
/// is used for parsing. Sealed bodies (S5) are left alone.
void plan_body(const sip::Message& message, const sip::Bodies& bodies, const Translation& translation,
               sdp::Description& scratch, Edits& edits);

}  // namespace sipalg::rewrite
