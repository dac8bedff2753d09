#include "alg/call/silence.hpp"

#include <algorithm>

namespace sipalg::call {

std::string_view word(Silent silent) {
    switch (silent) {
        case Silent::nobody: return "";
        case Silent::phone: return "phone";
        case Silent::peer: return "peer";
        case Silent::both: return "both";
    }
    return "";
}

const Session* local_session(const Call& call) {
    const Session* session = nullptr;
    if (call.initial && call.initial->by == Side::inside) session = &call.initial->session;
    for (const Dialog& dialog : call.dialogs) {
        if (dialog.state == Dialog::State::ended) continue;
        if (dialog.local)
            session = &*dialog.local;
        else if (const auto& offer = dialog.offer(Side::inside))
            session = &offer->session;
    }
    return session;
}

const Session* remote_session(const Call& call) {
    const Session* session = nullptr;
    for (const Dialog& dialog : call.dialogs)
        if (dialog.state != Dialog::State::ended && dialog.remote) session = &*dialog.remote;
    return session;
}

const Stream* stream_at(const Session& session, std::uint8_t line) {
    const auto found = std::find_if(session.begin(), session.end(),
                                    [line](const Stream& stream) { return stream.line == line; });
    return found == session.end() ? nullptr : &*found;
}

bool is_two_way(const Call& call, const Stream& ours) {
    const Session* remote = remote_session(call);
    const Stream* theirs = remote ? stream_at(*remote, ours.line) : nullptr;
    if (call.state != Call::State::confirmed || !theirs) return false;
    for (const Stream* stream : {&ours, theirs})
        if (stream->rtp.port == 0 || stream->rejected || stream->held || stream->one_way || stream->hairpin ||
            stream->bundled || stream->transport != Transport::udp)
            return false;
    return ours.further.empty() && (ours.type == "audio" || ours.type == "video");
}

std::optional<StreamSilence> silence(const Call& call, const Stream& ours, const AudioCheck& audibility) {
    if (!is_two_way(call, ours)) return std::nullopt;
    const nat::MappingKey* mapping = mapping_of(call, {ours.transport, ours.rtp});
    if (!mapping) return std::nullopt;
    const auto heard = audibility.heard(*mapping, call.active);
    if (!heard) return std::nullopt;
    const Silent silent = heard->phone ? (heard->peer ? Silent::nobody : Silent::peer)
                                       : (heard->peer ? Silent::phone : Silent::both);
    return StreamSilence{silent, heard->span};
}

std::string one_way_media(const Call& call, const AudioCheck& audibility) {
    std::string text;
    const Session* local = local_session(call);
    if (!local) return text;
    for (const Stream& ours : *local) {
        const auto found = silence(call, ours, audibility);
        if (!found || (found->silent != Silent::phone && found->silent != Silent::peer)) continue;
        const Stream& quiet =
            found->silent == Silent::phone ? ours : *stream_at(*remote_session(call), ours.line);
        text += (text.empty() ? "" : "; ") + ours.type + ": nothing from the " +
                std::string(word(found->silent)) + " at " + quiet.rtp.text() + " for " +
                std::to_string(std::chrono::duration_cast<Seconds>(found->span).count()) +
                " s, though it is talked to";
    }
    return text;
}

bool undecided(const Call& call, const AudioCheck& audibility) {
    const Session* local = local_session(call);
    return local && std::any_of(local->begin(), local->end(), [&](const Stream& ours) {
               if (!is_two_way(call, ours)) return false;
               const auto found = silence(call, ours, audibility);
               return !found || found->silent == Silent::both;
           });
}

}  // namespace sipalg::call
