// Plans the edits of addresses in the head of a message (S1, S3, S4).
#pragma once

#include "alg/rewrite/edits.hpp"
#include "alg/rewrite/translation.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::rewrite {

/// Plans the edits of the start line and the headers. For the body see media.hpp.
void plan_head(const sip::Message& message, const Translation& translation, Edits& edits);

}  // namespace sipalg::rewrite
