#include "alg/call/call_record.hpp"

#include <utility>

#include "alg/kernel/record_fields.hpp"
#include "alg/nat/old_endpoints.hpp"

namespace sipalg::call {

namespace {

// Increased when the layout changes: a record of another version is not read, its elements are removed.
constexpr std::uint8_t layout = 0xcb;
constexpr std::size_t max_streams = 64;
constexpr std::size_t usual_size = 512;  ///< of a record in bytes; longer ones are rare

// Each function names the fields of one type, for writing and for reading (FieldWriter, FieldReader).

void further_fields(auto& io, auto& further) {
    io.socket(further.socket);
    io.number(further.rtcp, 1);
}

template <class Fields>
void stream_fields(Fields& io, auto& stream) {
    io.number(stream.line, 1);
    io.text(stream.type);
    io.transport(stream.transport);
    io.endpoint(stream.rtp);
    io.endpoint(stream.rtcp);
    io.list(stream.further, max_further, [](auto& in, auto& item) { further_fields(in, item); });
    bool active = stream.setup == Setup::active, passive = stream.setup == Setup::passive;
    io.flags(stream.on_hold, stream.rtcp_mux, stream.hairpin, stream.rejected, stream.one_way, stream.bundled,
             active, passive);
    if constexpr (Fields::reads)
        stream.setup = active ? Setup::active : passive ? Setup::passive : Setup::either;
}

template <class Fields>
void session_fields(Fields& io, auto& session) {
    const auto streams = [&io](auto& list) {
        io.list(list, max_streams, [](auto& in, auto& stream) { stream_fields(in, stream); });
    };
    if constexpr (Fields::reads) {
        Session read;
        streams(read);
        session = std::move(read);
    } else {
        streams(*session);
    }
}

// As io.optional().
template <class Fields>
void optional_session(Fields& io, auto& session) {
    bool there = bool(session);
    io.number(there, 1);
    if (there) session_fields(io, session);
}

void offer_fields(auto& io, auto& offer) {
    io.enumerated(offer.by, 2);
    io.enumerated(offer.method, static_cast<std::uint64_t>(sip::Method::publish) + 1);
    io.number(offer.cseq, 4);
    session_fields(io, offer.session);
    io.number(offer.late, 1);
    io.time(offer.until);
}

void optional_offer(auto& io, auto& offer) {
    io.optional(offer, [](auto& in, auto& value) { offer_fields(in, value); });
}

void invite_fields(auto& io, auto& invite) {
    io.number(invite.cseq, 4);
    io.flags(invite.offered, invite.answered);
    io.list(invite.transactions, max_transactions, [](auto& in, auto& transaction) {
        in.text(transaction.branch);
        in.flags(transaction.open, transaction.cancelled);
    });
}

// The latest re-INVITE of a side. If there is none, an empty one is written.
template <class Fields>
void reinvite_fields(Fields& io, auto& invite) {
    Invite value = invite ? *invite : Invite{};
    invite_fields(io, value);
    if constexpr (Fields::reads)
        if (!value.transactions.empty()) invite = std::move(value);
}

void dialog_fields(auto& io, auto& dialog) {
    io.text(dialog.local_tag);
    io.text(dialog.remote_tag);
    io.enumerated(dialog.state, 3);
    optional_session(io, dialog.local);
    optional_session(io, dialog.remote);
    io.number(dialog.renegotiated, 1);
    io.time(dialog.session_until);
    for (auto& offer : dialog.offers)
        optional_offer(io, offer);
    for (auto& invite : dialog.invites)
        reinvite_fields(io, invite);
}

// A CSeq number, or -1.
template <class Fields>
void cseq_field(Fields& io, auto& cseq) {
    std::int64_t number = cseq + 1;
    io.number(number, 5);
    if constexpr (Fields::reads) cseq = number - 1;
}

// The fields that every request in the dialog changes.
void request_fields(auto& io, auto& dialog) {
    for (auto& cseq : dialog.cseqs)
        cseq_field(io, cseq);
    for (auto& cseq : dialog.refreshed)
        cseq_field(io, cseq);
}

void call_fields(auto& io, auto& key, auto& call) {
    io.text(key.call_id);
    io.address(key.phone);
    io.number(key.leg, 1);
    io.enumerated(call.state, 3);
    io.enumerated(call.caller, 2);
    io.number(call.unmodified, 1);
    io.text(call.caller_tag);
    io.text(call.from);
    io.text(call.to);
    io.address(call.egress.address);
    io.address(call.egress.advertised);
    io.socket(call.contact);
    io.list(call.old_endpoints, nat::max_old_endpoints, [](auto& in, auto& value) { in.endpoint(value); });
    io.list(call.peers, max_peers, [](auto& in, auto& peer) {
        in.address(peer.address);
        in.flags(peer.admitted, peer.answered);
    });
    invite_fields(io, call.invite);
    optional_offer(io, call.initial);
    io.list(call.dialogs, max_dialogs, [](auto& in, auto& dialog) { dialog_fields(in, dialog); });
    io.list(call.latched, max_latched, [](auto& in, auto& source) {
        in.socket(source.inside);
        in.address(source.remote);
    });
    io.time(call.started);
    io.time(call.ringing_until);
    io.time(call.forks_until);
    // Last, so that a request in the dialog changes only one piece of the record.
    for (auto& dialog : call.dialogs)
        request_fields(io, dialog);
}

}  // namespace

std::string write_record(const CallKey& key, const Call& call) {
    FieldWriter out(usual_size);
    out.number(layout, 1);
    call_fields(out, key, call);
    return out.take();
}

bool read_record(std::string_view bytes, CallKey& key, Call& call, Time clock) {
    FieldReader in(bytes, clock);
    std::uint8_t version = 0;
    in.number(version, 1);
    if (version != layout) return false;
    call_fields(in, key, call);
    for (Dialog& dialog : call.dialogs)
        for (SharedSession* session : {&dialog.local, &dialog.remote})
            if (call.initial && *session == call.initial->session) *session = call.initial->session;
    // X11: in a damaged record an answer may lack the admission that it has brought.
    for (CallPeer& peer : call.peers)
        peer.answered = peer.answered && peer.admitted;
    return in.is_complete();
}

}  // namespace sipalg::call
