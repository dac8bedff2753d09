// The pinholes and mappings that the reference expects, from the messages so far.
#include <algorithm>

#include "tests/model/reference.hpp"

namespace sipalg::model {

namespace {

using Direction = Line::Direction;

const Line* line_at(const std::optional<Description>& lines, std::size_t i) {
    return lines && i < lines->size() && (*lines)[i].open() ? &(*lines)[i] : nullptr;
}

bool receives(const Line& line) {
    return line.direction == Direction::sendrecv || line.direction == Direction::recvonly;
}

bool sends(const Line& line) {
    return line.direction == Direction::sendrecv || line.direction == Direction::sendonly;
}

class Opening {
  public:
    /// `proven`: the endpoint must be open, not only mapped (X11).
    Opening(const Address& phone, Expected& out, bool must, bool proven)
        : phone_(phone), out_(out), must_(must), proven_(proven) {}

    Endpoint rtp(const Line& line) const { return {phone_, line.port}; }
    Endpoint rtcp(const Line& line) const { return {phone_, line.rtcp_port()}; }

    void map(const Line& line, const std::set<Endpoint>& kept) {
        const bool certain = must_ && (!line.host.is_unspecified() || kept.contains(rtp(line)));
        for (const Endpoint& endpoint : {rtp(line), rtcp(line)}) {
            if (endpoint != rtp(line) && !line.has_rtcp()) continue;
            out_.may_map.insert(endpoint);
            out_.media.insert(endpoint);
            if (!line.host.is_unspecified() || kept.contains(rtp(line))) out_.sure_media.insert(endpoint);
            if (certain && (!line.host.is_unspecified() || kept.contains(endpoint)))
                out_.must_map.insert(endpoint);
        }
    }
    /// `muxed`: both sides use the RTP port for RTCP; `certain`: the other side may send here.
    void open(const Line& local, const Line& remote, bool muxed, bool certain) {
        if (local.held() || remote.held()) return;
        hole({rtp(local), remote.host}, certain && receives(local) && sends(remote));
        if (local.has_rtcp() && !muxed) hole({rtcp(local), remote.host}, certain && remote.has_rtcp());
    }
    /// For an offer without an answer: the only known address of the answerer is that of the signalling peer.
    void open(const Line& local, const Address& asked, bool certain) {
        if (local.held()) return;
        hole({rtp(local), asked}, certain && receives(local));
        if (local.has_rtcp()) hole({rtcp(local), asked}, certain);
    }

  private:
    void hole(const Hole& hole, bool certain) {
        out_.may.insert(hole);
        if (certain && must_ && proven_) out_.must.insert(hole);
    }

    const Address phone_;
    Expected& out_;
    const bool must_, proven_;
};

}  // namespace

void Reference::expect(const Call& call, Time now, Expected& out) const {
    if (call.over || call.peers.empty()) return;
    const bool proven = !call.proven.empty();
    const auto is_proven = [&](const Address& peer) { return call.proven.contains(peer); };
    if (call.caller == Side::inside || !call.dialogs.empty())
        for (const Address& peer : call.peers) {
            out.may.insert({call.phone, peer});
            if (is_proven(peer)) out.must.insert({call.phone, peer});
        }
    for (const Address& peer : call.met)
        out.may.insert({call.phone, peer});
    out.may_map.insert(call.phone);
    const Address& asked = call.peers.front();
    bool answered = false;
    for (const auto& [fork, dialog] : call.dialogs) {
        if (dialog.state == Dialog::State::over) continue;
        const auto ours = dialog.pending.find(Side::inside);
        const auto theirs = dialog.pending.find(Side::outside);
        std::optional<Description> pending_remote;
        if (theirs != dialog.pending.end()) pending_remote = theirs->second.lines;
        const bool pending_counts = pending_remote && theirs->second.sure;
        const bool session_runs = !dialog.session_until || *dialog.session_until > now;
        answered = answered || dialog.remote;
        for (std::size_t i = 0; dialog.local && i < dialog.local->size(); ++i) {
            const Line* local = line_at(dialog.local, i);
            const Line* remote = line_at(dialog.remote, i);
            const Line* next = line_at(pending_remote, i);
            if (!local || (!remote && !next)) continue;
            const auto muxed = [&](const Line* line) { return local->mux && line && line->mux; };
            const bool agreed_muxed = !dialog.remote || muxed(remote);
            const bool all_muxed = agreed_muxed && (!pending_remote || muxed(next));
            Opening own(call.phone.address, out, remote && session_runs, proven);
            own.map(*local, dialog.kept);
            if (remote) own.open(*local, *remote, pending_counts ? all_muxed : agreed_muxed, true);
            if (remote) own.open(*local, *remote, all_muxed, false);
            if (next) own.open(*local, *next, all_muxed, pending_counts);
        }
        if (ours == dialog.pending.end()) continue;
        Opening unsure(call.phone.address, out, session_runs && ours->second.sure, proven);
        const std::optional<Description> offered = ours->second.lines;
        for (std::size_t i = 0; i < offered->size(); ++i) {
            const Line* local = line_at(offered, i);
            const Line* remote = line_at(dialog.remote, i);
            const Line* next = line_at(pending_remote, i);
            if (!local) continue;
            unsure.map(*local, ours->second.kept);
            if (remote) unsure.open(*local, *remote, false, true);
            if (next) unsure.open(*local, *next, false, false);
            if (!remote && !next) unsure.open(*local, asked, is_proven(asked));
        }
    }
    if (!call.initial || call.initial->by != Side::inside || call.confirmed) return;
    Opening first(call.phone.address, out, true, proven);
    for (const Line& line : call.initial->lines)
        if (line.open()) {
            first.map(line, call.initial->kept);
            if (!answered) first.open(line, asked, is_proven(asked));
        }
}

// "The mapping of a stream on hold is kept" (D3), also when 0.0.0.0 hides whose it is.
std::set<Endpoint> Reference::kept_of(const Call& call, const Message& message, Time now) const {
    std::set<Endpoint> kept;
    if (message.from != Side::inside) return kept;
    Expected before;
    expect(call, now, before);
    for (const Endpoint& endpoint : before.must_map)
        kept.insert(endpoint);
    return kept;
}

// The time at which a call ends, counted from the last message that keeps the session, or from its last media
// if it has some.
Time Reference::silent_until(const Call& call, const std::set<Endpoint>& media) const {
    const bool timed = std::all_of(call.dialogs.begin(), call.dialogs.end(), [](const auto& entry) {
        return entry.second.state != Dialog::State::confirmed || entry.second.session_until;
    });
    if (quiet(call) && timed) return Time::max();
    Time last = call.sign;
    for (const auto& [endpoint, at] : call.heard)
        if (media.contains(endpoint)) last = std::max(last, at);
    return last + (quiet(call) ? hold : silence);
}

// Whether neither side expects to receive media: they have agreed on none, or have no agreement.
bool Reference::quiet(const Call& call) const {
    const auto silent = [](const std::optional<Description>& lines) {
        return !lines || std::all_of(lines->begin(), lines->end(), [](const Line& line) {
            return !line.open() || line.held() || line.direction != Direction::sendrecv;
        });
    };
    return std::all_of(call.dialogs.begin(), call.dialogs.end(), [&](const auto& entry) {
        return entry.second.state != Dialog::State::confirmed || silent(entry.second.local) ||
               silent(entry.second.remote);
    });
}

std::set<Endpoint> Reference::media_of(int call, Time now) const {
    Expected mine;
    expect(calls_.at(call), now, mine);
    return mine.media;
}

Expected Reference::expected(Time now) const {
    Expected all;
    for (const auto& [number, call] : calls_) {
        Expected mine;
        expect(call, now, mine);
        if (may_be_proven(call)) all.may.merge(mine.may);
        all.may_map.merge(mine.may_map);
        if (call.confirmed && silent_until(call, mine.sure_media) <= now) continue;
        all.must.merge(mine.must);
        all.must_map.merge(mine.must_map);
    }
    return all;
}

}  // namespace sipalg::model
