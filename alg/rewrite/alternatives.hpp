// The endpoints that a media line names besides its c= and m=: a=rtcp, ICE candidates, a=altc and MSRP paths
// (D1).
#pragma once

#include "alg/rewrite/edits.hpp"
#include "alg/rewrite/translation.hpp"
#include "alg/sdp/description.hpp"

namespace sipalg::rewrite {

/// Plans the edits of all of them. Each is an endpoint of its own, and is translated by itself; candidates
/// that are not of type host, names (mDNS among them) and foreign addresses stay.
void plan_alternatives(const sdp::Description& description, const sdp::Media& media,
                       const Translation& translation, Edits& edits);
/// Notes, for explanations, that they stay because the media line does.
void keep_alternatives(const sdp::Description& description, const sdp::Media& media, Kept kept, Edits& edits);

/// Why a translation has left `address` as it is.
Kept why_kept(const std::optional<Address>& address, const Translation& translation);

}  // namespace sipalg::rewrite
