// Which addresses in a message's head are changed, and into what (S1, S3, S4).
#pragma once

#include "alg/rewrite/edits.hpp"
#include "alg/rewrite/translation.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::rewrite {

/// Plans the edits of the start line and the headers. The body is media.hpp's.
void plan_head(const sip::Message& message, const Translation& translation, Edits& edits);

}  // namespace sipalg::rewrite
