// One-way audio: who of the two ends of a stream is not heard although he should be (O5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "alg/call/audio_check.hpp"
#include "alg/call/call.hpp"

namespace sipalg::call {

/// Whose packets are missing.
enum class Silent : std::uint8_t { nobody, phone, peer, both };
/// "phone", "peer", "both"; empty for nobody.
std::string_view word(Silent silent);

/// The streams of a call as they stand: what was agreed last in the newest living dialog, else what is
/// offered. nullptr: nothing yet.
const Session* local_session(const Call& call);
const Session* remote_session(const Call& call);

struct StreamSilence {
    Silent silent = Silent::nobody;
    Time span{0};  ///< for at least so long
};
/// The first description of a line; nullptr: the session has no such line.
const Stream* stream_at(const Session& session, std::uint8_t line);

/// A stream of the phone's side that should have media both ways, at its default endpoint: it is audio or
/// video of a confirmed call, and not on hold, in one direction only, past us on the LAN, or with a choice of
/// endpoints (ICE).
bool is_two_way(const Call& call, const Stream& ours);
/// Of that stream, since the last change of the session. nullopt: not two-way, or not to be told yet.
std::optional<StreamSilence> silence(const Call& call, const Stream& ours, const AudioCheck& audibility);
/// For people: the streams that only one side is heard on. Empty: none.
std::string one_way_media(const Call& call, const AudioCheck& audibility);
/// Some stream can't be told of yet, or has no media at all, which may be only for now.
bool undecided(const Call& call, const AudioCheck& audibility);

}  // namespace sipalg::call
