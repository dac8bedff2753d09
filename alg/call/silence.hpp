// One-way audio: finds the end of a stream that should send and does not (O5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "alg/call/audio_check.hpp"
#include "alg/call/call.hpp"

namespace sipalg::call {

/// The end whose packets are missing.
enum class Silent : std::uint8_t { none, phone, peer, both };
/// "phone", "peer", "both"; empty for none.
std::string_view word(Silent silent);

/// The current streams of a call: the latest agreement in its newest dialog that has not ended, else the
/// offer. nullptr: none yet.
const Session* local_session(const Call& call);
const Session* remote_session(const Call& call);

struct StreamSilence {
    Silent silent = Silent::none;
    Time span{0};  ///< at least this long
};
/// The first description of an m= line; nullptr: the session has no such line.
const Stream* stream_at(const Session& session, std::uint8_t line);

/// Whether a stream should have media in both directions at its default endpoint: audio or video of a
/// confirmed call that is not on hold, not one-way, not within the LAN, and has no alternative endpoints
/// (ICE).
bool is_two_way(const Call& call, const Stream& ours);
/// The silent ends of that stream since the last change of the session. nullopt: not two-way, or not known
/// yet.
std::optional<StreamSilence> silence(const Call& call, const Stream& ours, const AudioCheck& audio);
/// A clause for the log for each stream with media from only one end. Empty: there is none.
std::string one_way_media(const Call& call, const AudioCheck& audio);
/// Whether the check must be repeated: a stream is not decided yet, or has no media from either end.
bool is_undecided(const Call& call, const AudioCheck& audio);

}  // namespace sipalg::call
