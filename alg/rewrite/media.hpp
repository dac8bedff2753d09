// Plans the edits of addresses and ports in session descriptions (D1).
#pragma once

#include "alg/rewrite/edits.hpp"
#include "alg/rewrite/translation.hpp"
#include "alg/sdp/description.hpp"
#include "alg/sip/body.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::rewrite {

/// Plans the edits of one description. A c= line is changed only if every media line that uses it can be
/// translated, so that no line shows a translated address with an untranslated port. Lines with a port that
/// is never mapped (X2) do not count. The alternative endpoints of a media line (alternatives.hpp) change
/// together with it, so that the default of an ICE offer stays one of its candidates (D2).
void plan_description(const sdp::Description& description, const Translation& translation, Edits& edits);

/// Plans the edits of all descriptions of a message, and of the Content-Length values that depend on them
/// (S6). `scratch` is used for parsing. False: a body that may not be changed (S5) has an address that should
/// have been changed.
bool plan_body(const sip::Message& message, const sip::Bodies& bodies, const Translation& translation,
               sdp::Description& scratch, Edits& edits);

}  // namespace sipalg::rewrite
