#include "alg/call/call.hpp"

#include <algorithm>

namespace sipalg::call {

std::size_t CallKeyHash::operator()(const CallKeyView& key) const noexcept {
    return std::hash<std::string_view>{}(key.call_id) * 31 + std::hash<Address>{}(key.phone);
}

Transaction* Invite::transaction(std::string_view branch) {
    for (Transaction& transaction : transactions)
        if (transaction.branch == branch) return &transaction;
    return nullptr;
}

bool Invite::open() const {
    return std::any_of(transactions.begin(), transactions.end(),
                       [](const Transaction& transaction) { return transaction.open; });
}

Dialog* Call::dialog(std::string_view local_tag, std::string_view remote_tag) {
    for (Dialog& dialog : dialogs)
        if (dialog.local_tag == local_tag && dialog.remote_tag == remote_tag) return &dialog;
    return nullptr;
}

bool Call::has_peer(const Address& address) const {
    return std::find(peers.begin(), peers.end(), address) != peers.end();
}

bool Call::alive() const {
    return std::any_of(dialogs.begin(), dialogs.end(),
                       [](const Dialog& d) { return d.state != Dialog::State::ended; });
}

bool Call::on_hold() const {
    const auto quiet = [](const std::optional<Session>& session) {
        return !session || std::all_of(session->begin(), session->end(), [](const Stream& s) {
            return s.held || s.one_way || s.hairpin || s.rtp.port == 0;
        });
    };
    return std::all_of(dialogs.begin(), dialogs.end(), [&](const Dialog& d) {
        return d.state != Dialog::State::confirmed || quiet(d.local) || quiet(d.remote);
    });
}

namespace {

using Sessions = std::vector<const Session*>;

class Collector {
  public:
    explicit Collector(std::vector<Want>& wants) : wants_(wants) {}

    Want& endpoint(const Socket& inside) {
        for (Want& want : wants_)
            if (want.inside == inside) return want;
        wants_.push_back({inside, {}});
        return wants_.back();
    }

    void pin(const Socket& inside, const Address& remote, const Pin& like) {
        Want& want = endpoint(inside);
        if (!remote || remote.is_unspecified() || remote.is_multicast()) return;
        for (const Pin& known : want.pins)
            if (known.pinhole.remote == remote) return;
        Pin pin = like;
        pin.pinhole.transport = inside.transport;
        pin.pinhole.remote = remote;
        pin.inside = inside.endpoint;
        want.pins.push_back(std::move(pin));
    }

  private:
    std::vector<Want>& wants_;
};

bool shares_rtcp(const Stream& stream, const Sessions& remotes, std::size_t index) {
    if (!stream.rtcp_mux || remotes.empty()) return false;
    return std::all_of(remotes.begin(), remotes.end(), [&](const Session* remote) {
        return index < remote->size() && (*remote)[index].rtcp_mux;
    });
}

// A line that the answers leave out is as good as rejected.
bool rejected(const Sessions& remotes, std::size_t index) {
    return !remotes.empty() && std::all_of(remotes.begin(), remotes.end(), [&](const Session* remote) {
        return index >= remote->size() || (*remote)[index].rejected;
    });
}

enum class Standing : std::uint8_t { offered, agreed };

// What the phone's side of a negotiation asks for. `early` is the signalling peer: it may send where no
// answer has named an address yet (C5).
void collect(const Session& local, Standing standing, const Sessions& remotes, const Address& early,
             Collector& out) {
    const bool offered = standing == Standing::offered;
    for (std::size_t i = 0; i < local.size(); ++i) {
        const Stream& stream = local[i];
        const bool unanswered = remotes.empty() || rejected(remotes, i);
        if (stream.rtp.port == 0 || (unanswered && !offered)) continue;
        const Socket rtp{stream.transport, stream.rtp};
        const Socket rtcp{Transport::udp, stream.rtcp};
        out.endpoint(rtp);
        if (stream.rtcp.port != 0) out.endpoint(rtcp);
        // RTCP may come to its own port until the answer has taken up rtcp-mux (RFC 5761 5.1.1).
        const bool with_rtcp = stream.rtcp.port != 0 && (offered || !shares_rtcp(stream, remotes, i));
        if (stream.held) continue;
        Pin pin;
        pin.type = stream.type;
        pin.early = unanswered;
        Pin control = pin;
        control.rtcp = true;
        if (unanswered) {
            out.pin(rtp, early, pin);
            if (with_rtcp) out.pin(rtcp, early, control);
            continue;
        }
        for (const Session* remote : remotes) {
            if (i >= remote->size()) continue;
            const Stream& peer = (*remote)[i];
            if (peer.hairpin || peer.held || peer.rtp.port == 0) continue;
            pin.remote_port = peer.rtp.port;
            control.remote_port = peer.rtcp.port;
            out.pin(rtp, peer.rtp.address, pin);
            if (with_rtcp) out.pin(rtcp, peer.rtcp.port != 0 ? peer.rtcp.address : peer.rtp.address, control);
        }
    }
}

}  // namespace

std::vector<Want> wanted(const Call& call) {
    std::vector<Want> wants;
    if (call.state == Call::State::closing) return wants;
    Collector out(wants);
    const Address peer = call.peers.empty() ? Address{} : call.peers.front();  // of the latest INVITE
    Pin signalling;
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
        if (dialog.local) collect(*dialog.local, Standing::agreed, remotes, peer, out);
        if (ours) collect(ours->session, Standing::offered, remotes, peer, out);
    }
    // Every fork may take up all of the first offer, so its ports are kept until one is confirmed (C3).
    if (call.initial && call.initial->by == Side::inside && call.state != Call::State::confirmed)
        collect(call.initial->session, Standing::offered, {}, answered ? Address{} : peer, out);
    return wants;
}

}  // namespace sipalg::call
