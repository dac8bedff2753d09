#include "alg/call/wants.hpp"

#include <algorithm>
#include <utility>

namespace sipalg::call {

namespace {

using Sessions = std::vector<const Session*>;

class Collector {
  public:
    explicit Collector(Wants& wants) : wants_(wants) {}

    Want& endpoint(const Socket& inside, bool same_line = false) {
        for (Want& want : wants_)
            if (want.inside == inside) return want;
        wants_.push_back({inside, same_line, false, {}});
        return wants_.back();
    }

    void admit(const Socket& inside, const Address& remote, const CallPinhole& like) {
        // With delegates the two may be of different families (N5).
        const bool same_family = remote.family() == inside.endpoint.address.family();
        if (!remote || !same_family || remote.is_unspecified() || remote.is_multicast()) {
            endpoint(inside);
            return;
        }
        add(inside, remote, like);
    }

    /// `remote` none: any source.
    void add(const Socket& inside, const Address& remote, const CallPinhole& like) {
        Want& want = endpoint(inside);
        for (const CallPinhole& known : want.pinholes)
            if (known.pinhole.remote == remote) return;
        if (want.pinholes.size() >= max_remotes) return;
        CallPinhole pinhole = like;
        pinhole.pinhole.transport = inside.transport;
        pinhole.pinhole.remote = remote;
        pinhole.inside = inside.endpoint;
        want.pinholes.push_back(pinhole);
    }

  private:
    Wants& wants_;
};

// Whether the test is true for at least one description of the line (D7).
template <class Test>
bool has(const Session& session, std::uint8_t line, Test test) {
    return std::any_of(session.begin(), session.end(),
                       [&](const Stream& stream) { return stream.line == line && test(stream); });
}

template <class Test>
bool all_have(const Sessions& remotes, std::uint8_t line, Test test) {
    return !remotes.empty() && std::all_of(remotes.begin(), remotes.end(),
                                           [&](const Session* remote) { return has(*remote, line, test); });
}

bool shares_rtcp(const Stream& stream, const Sessions& remotes) {
    return stream.rtcp_mux &&
           all_have(remotes, stream.line, [](const Stream& peer) { return peer.rtcp_mux; });
}

// Media over TCP: this side opens the connection, from any of its ports (RFC 4145).
bool connects(const Stream& stream) {
    return stream.setup == Setup::active;
}

// A line that the answers leave out counts as rejected.
bool rejected(const Sessions& remotes, std::uint8_t line) {
    const auto accepted = [](const Stream& peer) { return !peer.rejected; };
    return !remotes.empty() && std::none_of(remotes.begin(), remotes.end(), [&](const Session* remote) {
        return has(*remote, line, accepted);
    });
}

enum class Standing : std::uint8_t { offered, agreed };

/// Other conditions for the sources that may send.
struct Senders {
    bool proven =
        false;  ///< a peer of the call is proven (X11); else endpoints are mapped, and no source is let in
    MediaSource source;  ///< sources besides those that the peer announces (C5)
    const std::vector<CallLatchedSource>& latched;
};

// One media line of the phone: its endpoints, and the sources that may send to them.
class LineCollector {
  public:
    LineCollector(const Stream& stream, const Sessions& remotes, Standing standing, const Senders& senders,
                  Collector& out)
        : stream_(stream),
          remotes_(remotes),
          senders_(senders),
          offered_(standing == Standing::offered),
          unanswered_(remotes.empty() || rejected(remotes, stream.line)),
          // RTCP may come to its own port until the answer has accepted rtcp-mux (RFC 5761 5.1.1).
          with_rtcp_(offered_ || !shares_rtcp(stream, remotes)),
          out_(out) {}

    /// `early` is the signalling peer: it may send where no answer has named an address yet (C5).
    void collect(const Address& early) {
        if (!stream_.receives() || (unanswered_ && !offered_)) return;
        // D5: once both sides have agreed to the bundle, its first line is used for all.
        if (!offered_ && stream_.bundled &&
            all_have(remotes_, stream_.line, [](const Stream& peer) { return peer.bundled; }))
            return;
        bool same_line = false;
        for_each([&](const MediaSocket& at) { out_.endpoint(at.socket, std::exchange(same_line, true)); });
        if (stream_.on_hold || !senders_.proven || connects(stream_)) return;
        bool some = unanswered_ && early;
        if (unanswered_) admit({early, 0}, {early, 0});
        if (!unanswered_)
            for (const Session* remote : remotes_)
                for (const Stream& peer : *remote)
                    if (peer.line == stream_.line && !peer.hairpin && !peer.on_hold &&
                        peer.setup != Setup::passive) {  // else the phone connects to it
                        admit(peer);
                        some = true;
                    }
        if (some) admit_others();
    }

  private:
    template <class Visit>
    void for_each(Visit visit) const {
        if (stream_.rtp.port != 0) visit(MediaSocket{{stream_.transport, stream_.rtp}, false});
        if (stream_.rtcp.port != 0) visit(MediaSocket{{Transport::udp, stream_.rtcp}, true});
        for (const MediaSocket& further : stream_.further)
            visit(further);
    }

    void admit(const Stream& peer) {
        if (connects(peer)) return admit({peer.rtp.address, 0}, {peer.rtp.address, 0});
        if (peer.rtp.port != 0)
            admit(peer.rtp, peer.rtcp.port != 0 ? peer.rtcp : Endpoint{peer.rtp.address, 0});
        for (const MediaSocket& further : peer.further) {
            const Endpoint& from = further.socket.endpoint;
            admit(from, {from.address, 0});
        }
    }

    CallPinhole pinhole_at(const MediaSocket& at) const {
        CallPinhole pinhole;
        pinhole.type = stream_.type;
        pinhole.early = unanswered_;
        pinhole.rtcp = at.rtcp;
        return pinhole;
    }

    // The sources of media and of their RTCP; port 0: not announced.
    void admit(const Endpoint& rtp_from, const Endpoint& rtcp_from) {
        for_each([&](const MediaSocket& at) {
            if (at.rtcp && !with_rtcp_) return;
            const Endpoint& from = at.rtcp ? rtcp_from : rtp_from;
            CallPinhole pinhole = pinhole_at(at);
            pinhole.remote_port = from.port;
            out_.admit(at.socket, from.address, pinhole);
        });
    }

    // In addition to the announced sources, by which the call's flows are known.
    void admit_others() {
        if (senders_.source == MediaSource::negotiated) return;
        for_each([&](const MediaSocket& at) {
            if (at.rtcp && !with_rtcp_) return;
            CallPinhole pinhole = pinhole_at(at);
            if (senders_.source == MediaSource::any) return out_.add(at.socket, {}, pinhole);
            if (!offered_ && !at.rtcp) out_.endpoint(at.socket).latch = true;
            pinhole.latched = true;
            for (const CallLatchedSource& source : senders_.latched)
                if (source.inside == at.socket || (at.rtcp && is_rtp(source.inside)))
                    out_.admit(at.socket, source.remote, pinhole);
        });
    }

    // RTCP comes from the latched source of the line's RTP.
    bool is_rtp(const Socket& inside) const { return inside == Socket{stream_.transport, stream_.rtp}; }

    const Stream& stream_;
    const Sessions& remotes_;
    const Senders& senders_;
    const bool offered_, unanswered_, with_rtcp_;
    Collector& out_;
};

void collect(const Session& local, Standing standing, const Sessions& remotes, const Address& early,
             const Senders& senders, Collector& out) {
    for (const Stream& stream : local)
        LineCollector(stream, remotes, standing, senders, out).collect(early);
}

}  // namespace

Wants wanted(const Call& call, MediaSource source) {
    Wants wants;
    Collector out(wants);
    const Senders senders{!call.is_unproven(), source, call.latched};
    // The peer of the latest INVITE may send before an answer names an address.
    const Address peer =
        !call.peers.empty() && call.peers.front().admitted ? call.peers.front().address : Address{};
    CallPinhole signalling;
    signalling.signalling = true;
    // X3: an INVITE from outside opens nothing until the phone responds to it.
    if (call.caller == Side::inside || !call.dialogs.empty())
        for (const CallPeer& one : call.peers)
            out.admit(call.contact, one.admitted ? one.address : Address{}, signalling);
    bool answered = false;
    for (const Dialog& dialog : call.dialogs) {
        if (dialog.state == Dialog::State::ended) continue;
        const Boxed<Offer>& ours = dialog.offers[Side::inside];
        const Boxed<Offer>& theirs = dialog.offers[Side::outside];
        Sessions remotes;
        remotes.reserve(2);
        if (dialog.remote) remotes.push_back(dialog.remote.get());
        if (theirs) remotes.push_back(theirs->session.get());
        answered = answered || dialog.remote;
        // C4: old and new stay open side by side until the answer.
        if (dialog.local) collect(*dialog.local, Standing::agreed, remotes, peer, senders, out);
        if (ours) collect(*ours->session, Standing::offered, remotes, peer, senders, out);
    }
    // C3: every fork may accept all of the first offer, so its ports are kept until one is confirmed.
    if (call.initial && call.initial->by == Side::inside && call.state != Call::State::confirmed)
        collect(*call.initial->session, Standing::offered, {}, answered ? Address{} : peer, senders, out);
    return wants;
}

}  // namespace sipalg::call
