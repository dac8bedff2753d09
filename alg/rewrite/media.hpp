// Which addresses and ports in a session description are changed, and into what (D1).
#pragma once

#include "alg/rewrite/edits.hpp"
#include "alg/rewrite/translation.hpp"
#include "alg/sdp/description.hpp"
#include "alg/sip/body.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::rewrite {

/// Plans the edits of one description. A c= is changed only when every media line that uses it can be,
/// but for lines with a port that is never mapped (X2): half an endpoint is never shown. The other endpoints
/// of a media line (alternatives.hpp) change with it, so that the default of an ICE offer stays one of its
/// candidates (D2).
void plan_description(const sdp::Description& description, const Translation& translation, Edits& edits);

/// Plans the edits of all descriptions of a message and of the lengths that follow from them (S6). `scratch`
/// is used for parsing. False when a sealed body (S5) was left alone though something in it would have to be
/// changed.
bool plan_body(const sip::Message& message, const sip::Bodies& bodies, const Translation& translation,
               sdp::Description& scratch, Edits& edits);

}  // namespace sipalg::rewrite
