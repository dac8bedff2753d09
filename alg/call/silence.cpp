#include "alg/call/silence.hpp"

#include <algorithm>

namespace sipalg::call {

std::string_view word(Silent silent) {
    switch (silent) {
        case Silent::none: return "";
        case Silent::phone: return "phone";
        case Silent::peer: return "peer";
        case Silent::both: return "both";
    }
    return "";
}

const Session* local_session(const Call& call) {
    const Session* session = nullptr;
    if (call.initial && call.initial->by == Side::inside) session = call.initial->session.get();
    for (const Dialog& dialog : call.dialogs) {
        if (dialog.state == Dialog::State::ended) continue;
        if (dialog.local)
            session = dialog.local.get();
        else if (const auto& offer = dialog.offers[Side::inside])
            session = offer->session.get();
    }
    return session;
}

const Session* remote_session(const Call& call) {
    const Session* session = nullptr;
    for (const Dialog& dialog : call.dialogs)
        if (dialog.state != Dialog::State::ended && dialog.remote) session = dialog.remote.get();
    return session;
}

const Stream* stream_at(const Session& session, std::uint8_t line) {
    const auto found = std::find_if(session.begin(), session.end(),
                                    [line](const Stream& stream) { return stream.line == line; });
    return found == session.end() ? nullptr : &*found;
}

const Stream* remote_stream(const Call& call, std::uint8_t line) {
    const Session* remote = remote_session(call);
    return remote ? stream_at(*remote, line) : nullptr;
}

bool is_two_way(const Call& call, const Stream& ours) {
    const Stream* theirs = remote_stream(call, ours.line);
    if (call.state != Call::State::confirmed || !theirs) return false;
    for (const Stream* stream : {&ours, theirs})
        if (stream->rtp.port == 0 || stream->rejected || stream->on_hold || stream->one_way ||
            stream->hairpin || stream->bundled || stream->transport != Transport::udp)
            return false;
    return ours.further.empty() && (ours.type == MediaType("audio") || ours.type == MediaType("video"));
}

std::optional<StreamSilence> silence(const Call& call, const Stream& ours, const AudioCheck& audio) {
    if (!is_two_way(call, ours)) return std::nullopt;
    const nat::MappingKey* mapping = mapping_of(call, {ours.transport, ours.rtp});
    if (!mapping) return std::nullopt;
    const auto activity = audio.activity(*mapping, call.active);
    if (!activity) return std::nullopt;
    const Silent silent = activity->phone ? (activity->peer ? Silent::none : Silent::peer)
                                          : (activity->peer ? Silent::phone : Silent::both);
    return StreamSilence{silent, activity->span};
}

std::string one_way_media(const Call& call, const AudioCheck& audio) {
    std::string text;
    const Session* local = local_session(call);
    if (!local) return text;
    for (const Stream& ours : *local) {
        const auto found = silence(call, ours, audio);
        if (!found || (found->silent != Silent::phone && found->silent != Silent::peer)) continue;
        const Stream* quiet = found->silent == Silent::phone ? &ours : remote_stream(call, ours.line);
        if (!quiet) continue;
        text += (text.empty() ? "" : "; ") + std::string(ours.type.text()) + ": no packets from the " +
                std::string(word(found->silent)) + " (" + quiet->rtp.text() + ") for " +
                std::to_string(std::chrono::duration_cast<Seconds>(found->span).count()) + " s while the " +
                (found->silent == Silent::phone ? "peer" : "phone") + " is sending";
    }
    return text;
}

bool is_undecided(const Call& call, const AudioCheck& audio) {
    const Session* local = local_session(call);
    return local && std::any_of(local->begin(), local->end(), [&](const Stream& ours) {
               if (!is_two_way(call, ours)) return false;
               const auto found = silence(call, ours, audio);
               return !found || found->silent == Silent::both;
           });
}

}  // namespace sipalg::call
