#include "alg/call/call.hpp"

#include <algorithm>
#include <utility>

namespace sipalg::call {

Transaction* Invite::transaction(std::string_view branch) {
    for (Transaction& transaction : transactions)
        if (transaction.branch == branch) return &transaction;
    return nullptr;
}

bool Invite::open() const {
    return std::any_of(transactions.begin(), transactions.end(),
                       [](const Transaction& transaction) { return transaction.open; });
}

void CallPinhole::add_flows(std::vector<ConntrackTuple>& flows) const {
    if (remote_port == 0) return;
    const Endpoint from{pinhole.remote, remote_port};
    flows.push_back({pinhole.transport, inside, from});
    flows.push_back({pinhole.transport, from, pinhole.outside});
}

const nat::MappingKey* mapping_of(const Call& call, const Socket& inside) {
    for (const nat::MappingKey& key : call.mapped)
        if (key.inside == inside) return &key;
    return nullptr;
}

Dialog* Call::dialog(std::string_view local_tag, std::string_view remote_tag) {
    for (Dialog& dialog : dialogs)
        if (dialog.local_tag == local_tag && dialog.remote_tag == remote_tag) return &dialog;
    return nullptr;
}

bool Call::has_peer(const Address& address) const {
    return std::find(peers.begin(), peers.end(), address) != peers.end();
}

bool Call::is_finished() const {
    return state == State::confirmed &&
           std::none_of(dialogs.begin(), dialogs.end(),
                        [](const Dialog& dialog) { return dialog.state == Dialog::State::confirmed; });
}

bool Call::alive() const {
    return std::any_of(dialogs.begin(), dialogs.end(),
                       [](const Dialog& d) { return d.state != Dialog::State::ended; });
}

bool Call::on_hold() const {
    const auto quiet = [](const std::optional<Session>& session) {
        return !session || std::all_of(session->begin(), session->end(), [](const Stream& s) {
            return s.held || s.one_way || s.hairpin || !s.receives();
        });
    };
    return std::all_of(dialogs.begin(), dialogs.end(), [&](const Dialog& d) {
        return d.state != Dialog::State::confirmed || quiet(d.local) || quiet(d.remote);
    });
}

bool Call::has_session_timer() const {
    return std::all_of(dialogs.begin(), dialogs.end(), [](const Dialog& d) {
        return d.state != Dialog::State::confirmed || d.has_session_timer();
    });
}

namespace {

using Sessions = std::vector<const Session*>;

class Collector {
  public:
    explicit Collector(std::vector<Want>& wants) : wants_(wants) {}

    Want& endpoint(const Socket& inside, bool same_line = false) {
        for (Want& want : wants_)
            if (want.inside == inside) return want;
        wants_.push_back({inside, same_line, false, {}});
        return wants_.back();
    }

    void pin(const Socket& inside, const Address& remote, const CallPinhole& like) {
        const bool reachable = remote.family() == inside.endpoint.address.family();  // of two families (N5)
        if (!remote || !reachable || remote.is_unspecified() || remote.is_multicast()) {
            endpoint(inside);
            return;
        }
        open(inside, remote, like);
    }

    /// `remote` none: for everybody.
    void open(const Socket& inside, const Address& remote, const CallPinhole& like) {
        Want& want = endpoint(inside);
        for (const CallPinhole& known : want.pins)
            if (known.pinhole.remote == remote) return;
        if (want.pins.size() >= max_remotes) return;
        CallPinhole pin = like;
        pin.pinhole.transport = inside.transport;
        pin.pinhole.remote = remote;
        pin.inside = inside.endpoint;
        want.pins.push_back(std::move(pin));
    }

  private:
    std::vector<Want>& wants_;
};

// Whether the session has the line in such a form, in any of its descriptions (D7).
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

// A line that the answers leave out is as good as rejected.
bool rejected(const Sessions& remotes, std::uint8_t line) {
    const auto taken_up = [](const Stream& peer) { return !peer.rejected; };
    return !remotes.empty() && std::none_of(remotes.begin(), remotes.end(), [&](const Session* remote) {
        return has(*remote, line, taken_up);
    });
}

enum class Standing : std::uint8_t { offered, agreed };

/// Who may send besides those that the peer announces (C5).
struct Others {
    MediaSource source;
    const std::vector<CallLatchedSource>& learned;
};

// One media line of the phone: what it listens at, and who may send there.
class LineCollector {
  public:
    LineCollector(const Stream& stream, const Sessions& remotes, Standing standing, const Others& others,
                  Collector& out)
        : stream_(stream),
          remotes_(remotes),
          others_(others),
          offered_(standing == Standing::offered),
          unanswered_(remotes.empty() || rejected(remotes, stream.line)),
          // RTCP may come to its own port until the answer has taken up rtcp-mux (RFC 5761 5.1.1).
          with_rtcp_(offered_ || !shares_rtcp(stream, remotes)),
          out_(out) {}

    /// `early` is the signalling peer: it may send where no answer has named an address yet (C5).
    void collect(const Address& early) {
        if (!stream_.receives() || (unanswered_ && !offered_)) return;
        // Once both sides have agreed to it, the bundle's first line does for all (D5).
        if (!offered_ && stream_.bundled &&
            all_have(remotes_, stream_.line, [](const Stream& peer) { return peer.bundled; }))
            return;
        bool same_line = false;
        for_each([&](const MediaSocket& at) { out_.endpoint(at.socket, std::exchange(same_line, true)); });
        if (stream_.held) return;
        bool some = unanswered_ && early;
        if (unanswered_) pin({early, 0}, {early, 0});
        if (!unanswered_)
            for (const Session* remote : remotes_)
                for (const Stream& peer : *remote)
                    if (peer.line == stream_.line && !peer.hairpin && !peer.held) {
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
        if (peer.setup == Setup::passive) return;  // the phone connects to it
        if (peer.setup == Setup::active) return pin(peer.rtp, peer.rtp);
        if (peer.rtp.port != 0)
            pin(peer.rtp, peer.rtcp.port != 0 ? peer.rtcp : Endpoint{peer.rtp.address, 0});
        for (const MediaSocket& further : peer.further) {
            const Endpoint& from = further.socket.endpoint;
            pin(from, {from.address, 0});
        }
    }

    CallPinhole pin_like(const MediaSocket& at) const {
        CallPinhole pin;
        pin.type = stream_.type;
        pin.early = unanswered_;
        pin.rtcp = at.rtcp;
        return pin;
    }

    // Where media and their RTCP come from; port 0: not announced.
    void pin(const Endpoint& rtp_from, const Endpoint& rtcp_from) {
        for_each([&](const MediaSocket& at) {
            if (at.rtcp && !with_rtcp_) return;
            const Endpoint& from = at.rtcp ? rtcp_from : rtp_from;
            CallPinhole pin = pin_like(at);
            pin.remote_port = from.port;
            out_.pin(at.socket, from.address, pin);
        });
    }

    // What the peer announces stays open as well: it is what the call's flows are known by.
    void admit_others() {
        if (others_.source == MediaSource::negotiated) return;
        for_each([&](const MediaSocket& at) {
            if (at.rtcp && !with_rtcp_) return;
            CallPinhole pin = pin_like(at);
            if (others_.source == MediaSource::any) return out_.open(at.socket, {}, pin);
            if (!offered_ && !at.rtcp) out_.endpoint(at.socket).latch = true;
            pin.learned = true;
            for (const CallLatchedSource& source : others_.learned)
                if (source.inside == at.socket || (at.rtcp && is_rtp(source.inside)))
                    out_.pin(at.socket, source.remote, pin);
        });
    }

    // RTCP comes from where the line's RTP was learned to come from.
    bool is_rtp(const Socket& inside) const { return inside == Socket{stream_.transport, stream_.rtp}; }

    const Stream& stream_;
    const Sessions& remotes_;
    const Others& others_;
    const bool offered_, unanswered_, with_rtcp_;
    Collector& out_;
};

void collect(const Session& local, Standing standing, const Sessions& remotes, const Address& early,
             const Others& others, Collector& out) {
    for (const Stream& stream : local)
        LineCollector(stream, remotes, standing, others, out).collect(early);
}

}  // namespace

std::vector<Want> wanted(const Call& call, MediaSource source) {
    std::vector<Want> wants;
    if (call.state == Call::State::closing) return wants;
    Collector out(wants);
    const Others others{source, call.learned};
    const Address peer = call.peers.empty() ? Address{} : call.peers.front();  // of the latest INVITE
    CallPinhole signalling;
    signalling.type = "sip";
    // An INVITE from outside opens nothing by itself: the phone has to take it up first (X3).
    if (call.caller == Side::inside || !call.dialogs.empty())
        for (const Address& address : call.peers)
            out.pin(call.contact, address, signalling);
    bool answered = false;
    for (const Dialog& dialog : call.dialogs) {
        if (dialog.state == Dialog::State::ended) continue;
        const std::optional<Offer>& ours = dialog.offer(Side::inside);
        const std::optional<Offer>& theirs = dialog.offer(Side::outside);
        Sessions remotes;
        if (dialog.remote) remotes.push_back(&*dialog.remote);
        if (theirs) remotes.push_back(&theirs->session);
        answered = answered || dialog.remote;
        // Old and new stay open side by side until the answer decides (C4).
        if (dialog.local) collect(*dialog.local, Standing::agreed, remotes, peer, others, out);
        if (ours) collect(ours->session, Standing::offered, remotes, peer, others, out);
    }
    // Every fork may take up all of the first offer, so its ports are kept until one is confirmed (C3).
    if (call.initial && call.initial->by == Side::inside && call.state != Call::State::confirmed)
        collect(call.initial->session, Standing::offered, {}, answered ? Address{} : peer, others, out);
    return wants;
}

}  // namespace sipalg::call
