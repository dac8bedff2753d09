#include "alg/call/silence.hpp"

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

bool is_two_way(const Call& call, std::size_t index) {
    if (call.state != Call::State::confirmed) return false;
    const Session *local = local_session(call), *remote = remote_session(call);
    if (!local || !remote || index >= local->size() || index >= remote->size()) return false;
    for (const Session* session : {local, remote}) {
        const Stream& stream = (*session)[index];
        if (stream.rtp.port == 0 || stream.rejected || stream.held || stream.one_way || stream.hairpin ||
            stream.transport != Transport::udp)
            return false;
    }
    const std::string& type = (*local)[index].type;
    return type == "audio" || type == "video";
}

std::optional<StreamSilence> silence(const Call& call, std::size_t index, const Audibility& audibility) {
    if (!is_two_way(call, index)) return std::nullopt;
    const Stream& ours = (*local_session(call))[index];
    const auto heard = audibility.heard({{ours.transport, ours.rtp}, call.egress.address}, call.active);
    if (!heard) return std::nullopt;
    const Silent silent = heard->phone ? (heard->peer ? Silent::nobody : Silent::peer)
                                       : (heard->peer ? Silent::phone : Silent::both);
    return StreamSilence{silent, heard->span};
}

std::string one_way_media(const Call& call, const Audibility& audibility) {
    std::string text;
    const Session* local = local_session(call);
    for (std::size_t i = 0; local && i < local->size(); ++i) {
        const auto found = silence(call, i, audibility);
        if (!found || (found->silent != Silent::phone && found->silent != Silent::peer)) continue;
        const bool phone = found->silent == Silent::phone;
        const Stream &ours = (*local)[i], &theirs = (*remote_session(call))[i];
        text += (text.empty() ? "" : "; ") + ours.type + ": nothing from the " +
                std::string(word(found->silent)) + " at " + (phone ? ours : theirs).rtp.text() + " for " +
                std::to_string(std::chrono::duration_cast<Seconds>(found->span).count()) +
                " s, though it is talked to";
    }
    return text;
}

bool undecided(const Call& call, const Audibility& audibility) {
    const Session* local = local_session(call);
    for (std::size_t i = 0; local && i < local->size(); ++i) {
        if (!is_two_way(call, i)) continue;
        const auto found = silence(call, i, audibility);
        if (!found || found->silent == Silent::both) return true;
    }
    return false;
}

}  // namespace sipalg::call
