// The record of a call: what a restarted daemon needs to go on with it and to close it (A5).
#include "alg/call/calls.hpp"
#include "alg/kernel/record.hpp"

namespace sipalg::call {

namespace {

// Counted up when the layout changes: a record of another version is not read, its elements are removed.
constexpr std::uint64_t layout = 0xc8;
constexpr std::uint64_t max_items = 64;

void write(RecordWriter& out, const Session& session) {
    out.number(session.size(), 1);
    for (const Stream& s : session) {
        out.number(s.line, 1);
        out.text(s.type);
        out.number(static_cast<std::uint64_t>(s.transport), 1);
        out.endpoint(s.rtp);
        out.endpoint(s.rtcp);
        out.number(s.further.size(), 1);
        for (const MediaSocket& further : s.further) {
            out.number(static_cast<std::uint64_t>(further.socket.transport), 1);
            out.endpoint(further.socket.endpoint);
            out.number(further.rtcp, 1);
        }
        out.number((s.held ? 1U : 0U) | (s.rtcp_mux ? 2U : 0U) | (s.hairpin ? 4U : 0U) |
                       (s.rejected ? 8U : 0U) | (s.one_way ? 16U : 0U) | (s.bundled ? 32U : 0U) |
                       (s.setup == Setup::active    ? 64U
                        : s.setup == Setup::passive ? 128U
                                                    : 0U),
                   1);
    }
}

void write(RecordWriter& out, Time time) {
    out.number(static_cast<std::uint64_t>(time.count()), 8);
}

Time read_time(RecordReader& in) {
    return Time{static_cast<std::int64_t>(in.number(8))};
}

Transport read_transport(RecordReader& in) {
    return in.number(1) == 6 ? Transport::tcp : Transport::udp;
}

Session read_session(RecordReader& in) {
    Session session;
    const std::uint64_t count = in.number(1);
    for (std::uint64_t i = 0; i < count && i < max_items && in.ok(); ++i) {
        Stream s;
        s.line = static_cast<std::uint8_t>(in.number(1));
        s.type = in.text();
        s.transport = read_transport(in);
        s.rtp = in.endpoint();
        s.rtcp = in.endpoint();
        const std::uint64_t further = in.number(1);
        for (std::uint64_t j = 0; j < further && j < max_further && in.ok(); ++j) {
            const Transport transport = read_transport(in);
            const Endpoint endpoint = in.endpoint();
            s.further.push_back({{transport, endpoint}, in.number(1) != 0});
        }
        const std::uint64_t flags = in.number(1);
        s.held = flags & 1;
        s.rtcp_mux = flags & 2;
        s.hairpin = flags & 4;
        s.rejected = flags & 8;
        s.one_way = flags & 16;
        s.bundled = flags & 32;
        s.setup = flags & 64 ? Setup::active : flags & 128 ? Setup::passive : Setup::either;
        session.push_back(std::move(s));
    }
    return session;
}

void write(RecordWriter& out, const std::optional<Session>& session) {
    out.number(session.has_value(), 1);
    if (session) write(out, *session);
}

std::optional<Session> read_optional_session(RecordReader& in) {
    if (!in.number(1)) return std::nullopt;
    return read_session(in);
}

void write(RecordWriter& out, const std::optional<Offer>& offer) {
    out.number(offer.has_value(), 1);
    if (!offer) return;
    out.number(static_cast<std::uint64_t>(offer->by), 1);
    out.number(static_cast<std::uint64_t>(offer->method), 1);
    out.number(offer->cseq, 4);
    write(out, offer->session);
    out.number(offer->late, 1);
    write(out, offer->until);
}

Side read_side(RecordReader& in) {
    return in.number(1) ? Side::outside : Side::inside;
}

std::optional<Offer> read_offer(RecordReader& in) {
    if (!in.number(1)) return std::nullopt;
    Offer offer;
    offer.by = read_side(in);
    offer.method = static_cast<sip::Method>(in.number(1));
    offer.cseq = static_cast<std::uint32_t>(in.number(4));
    offer.session = read_session(in);
    offer.late = in.number(1);
    offer.until = read_time(in);
    return offer;
}

void write(RecordWriter& out, const Invite& invite) {
    out.number(invite.cseq, 4);
    out.number((invite.offered ? 1U : 0U) | (invite.answered ? 2U : 0U), 1);
    out.number(invite.transactions.size(), 1);
    for (const Transaction& transaction : invite.transactions) {
        out.text(transaction.branch);
        out.number(transaction.open, 1);
    }
}

void write(RecordWriter& out, const Dialog& dialog) {
    out.text(dialog.local_tag);
    out.text(dialog.remote_tag);
    out.number(static_cast<std::uint64_t>(dialog.state), 1);
    write(out, dialog.local);
    write(out, dialog.remote);
    out.number(dialog.renegotiated, 1);
    write(out, dialog.session_until);
    for (const std::optional<Offer>& offer : dialog.offers)
        write(out, offer);
    for (const Invite& invite : dialog.invites)
        write(out, invite);
}

// What every request in the dialog changes: behind everything else, so that one piece of the record is new.
void write_requests(RecordWriter& out, const Dialog& dialog) {
    for (const std::optional<Bye>& bye : dialog.byes) {
        out.number(bye.has_value(), 1);
        if (!bye) continue;
        out.number(bye->cseq, 4);
        write(out, bye->until);
    }
    for (const std::int64_t* numbers : {dialog.cseqs, dialog.refreshed})
        for (std::size_t side = 0; side < 2; ++side)
            out.number(static_cast<std::uint64_t>(numbers[side] + 1), 5);
}

void read_requests(RecordReader& in, Dialog& dialog) {
    for (std::optional<Bye>& bye : dialog.byes) {
        if (!in.number(1)) continue;
        bye.emplace();
        bye->cseq = static_cast<std::uint32_t>(in.number(4));
        bye->until = read_time(in);
    }
    for (std::int64_t* numbers : {dialog.cseqs, dialog.refreshed})
        for (std::size_t side = 0; side < 2; ++side)
            numbers[side] = static_cast<std::int64_t>(in.number(5)) - 1;
}

Invite read_invite(RecordReader& in) {
    Invite invite;
    invite.cseq = static_cast<std::uint32_t>(in.number(4));
    const std::uint64_t flags = in.number(1);
    invite.offered = flags & 1;
    invite.answered = flags & 2;
    const std::uint64_t count = in.number(1);
    for (std::uint64_t i = 0; i < count && i < max_transactions && in.ok(); ++i) {
        Transaction transaction;
        transaction.branch = in.text();
        transaction.open = in.number(1);
        invite.transactions.push_back(std::move(transaction));
    }
    return invite;
}

Dialog read_dialog(RecordReader& in) {
    Dialog dialog;
    dialog.local_tag = in.text();
    dialog.remote_tag = in.text();
    dialog.state = static_cast<Dialog::State>(in.number(1) % 3);
    dialog.local = read_optional_session(in);
    dialog.remote = read_optional_session(in);
    dialog.renegotiated = in.number(1);
    dialog.session_until = read_time(in);
    for (std::optional<Offer>& offer : dialog.offers)
        offer = read_offer(in);
    for (Invite& invite : dialog.invites)
        invite = read_invite(in);
    return dialog;
}

}  // namespace

std::string write_record(const CallKey& key, const Call& call) {
    RecordWriter out;
    out.number(layout, 1);
    out.text(key.call_id);
    out.address(key.phone);
    out.number(static_cast<std::uint64_t>(call.state), 1);
    out.number(static_cast<std::uint64_t>(call.caller), 1);
    out.number(call.unmodified, 1);
    out.text(call.caller_tag);
    out.text(call.from);
    out.text(call.to);
    out.address(call.egress.address);
    out.address(call.egress.advertised);
    out.number(static_cast<std::uint64_t>(call.contact.transport), 1);
    out.endpoint(call.contact.endpoint);
    out.endpoints(call.former);
    out.number(call.peers.size(), 1);
    for (const Address& peer : call.peers)
        out.address(peer);
    write(out, call.invite);
    write(out, call.initial);
    out.number(call.dialogs.size(), 1);
    for (const Dialog& dialog : call.dialogs)
        write(out, dialog);
    out.number(call.learned.size(), 1);
    for (const CallLatchedSource& source : call.learned) {
        out.number(static_cast<std::uint64_t>(source.inside.transport), 1);
        out.endpoint(source.inside.endpoint);
        out.address(source.remote);
    }
    write(out, call.started);
    write(out, call.ringing_until);
    write(out, call.forks_until);
    for (const Dialog& dialog : call.dialogs)
        write_requests(out, dialog);
    return out.take();
}

bool read_record(std::string_view bytes, CallKey& key, Call& call) {
    RecordReader in(bytes);
    if (in.number(1) != layout) return false;
    key.call_id = in.text();
    key.phone = in.address();
    call.state = static_cast<Call::State>(in.number(1) % 4);
    call.caller = read_side(in);
    call.unmodified = in.number(1);
    call.caller_tag = in.text();
    call.from = in.text();
    call.to = in.text();
    call.egress.address = in.address();
    call.egress.advertised = in.address();
    call.contact.transport = read_transport(in);
    call.contact.endpoint = in.endpoint();
    call.former = in.endpoints(nat::max_former);
    const std::uint64_t peers = in.number(1);
    for (std::uint64_t i = 0; i < peers && i < max_peers; ++i)
        call.peers.push_back(in.address());
    call.invite = read_invite(in);
    call.initial = read_offer(in);
    const std::uint64_t dialogs = in.number(1);
    for (std::uint64_t i = 0; i < dialogs && i < max_dialogs && in.ok(); ++i)
        call.dialogs.push_back(read_dialog(in));
    const std::uint64_t learned = in.number(1);
    for (std::uint64_t i = 0; i < learned && i < max_learned && in.ok(); ++i) {
        const Transport transport = read_transport(in);
        const Endpoint inside = in.endpoint();
        call.learned.push_back({{transport, inside}, in.address()});
    }
    call.started = read_time(in);
    call.ringing_until = read_time(in);
    call.forks_until = read_time(in);
    for (Dialog& dialog : call.dialogs)
        read_requests(in, dialog);
    return in.ok() && in.at_end();
}

}  // namespace sipalg::call
