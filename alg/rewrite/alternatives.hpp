// The alternative endpoints of a media line: a=rtcp, ICE candidates, a=altc and MSRP paths (D1).
#pragma once

#include "alg/rewrite/edits.hpp"
#include "alg/rewrite/translation.hpp"
#include "alg/sdp/description.hpp"

namespace sipalg::rewrite {

/// Plans their edits. Each endpoint is translated separately. Candidates that are not of type host, host
/// names (including mDNS) and foreign addresses stay.
void plan_alternatives(const sdp::Description& description, const sdp::Media& media,
                       const Translation& translation, Edits& edits);
/// Notes for explanations that these endpoints stay because the media line is not translated.
void keep_alternatives(const sdp::Description& description, const sdp::Media& media, Kept kept, Edits& edits);

/// The reason why a translation has kept `address`.
Kept why_kept(const std::optional<Address>& address, const Translation& translation);

}  // namespace sipalg::rewrite
