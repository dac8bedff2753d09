// One-way audio: which end of a stream sends nothing although it should (O5).
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

/// The present streams of a call: those agreed last in its newest dialog that has not ended, else the offered
/// ones. nullptr: none yet.
const Session* local_session(const Call& call);
const Session* remote_session(const Call& call);

struct StreamSilence {
    Silent silent = Silent::none;
    Time span{0};  ///< for at least this long
};
/// The first description of an m= line; nullptr: the session has no such line.
const Stream* stream_at(const Session& session, std::uint8_t line);

/// A stream of the phone should have media both ways at its default endpoint: it is audio or video of a
/// confirmed call, and not on hold, in one direction only, within the LAN, or with a choice of endpoints
/// (ICE).
bool is_two_way(const Call& call, const Stream& ours);
/// Of that stream, since the last change of the session. nullopt: not two-way, or not decided yet.
std::optional<StreamSilence> silence(const Call& call, const Stream& ours, const AudioCheck& audio);
/// A sentence for the log on each stream that has media from only one end. Empty: none has.
std::string one_way_media(const Call& call, const AudioCheck& audio);
/// Some stream is not decided yet, or has no media at all, which may change.
bool is_undecided(const Call& call, const AudioCheck& audio);

}  // namespace sipalg::call
