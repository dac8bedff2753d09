#include "alg/core/inspect_message.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "alg/call/unknown_dialog.hpp"
#include "alg/core/delivery.hpp"
#include "alg/core/endpoint_resolver.hpp"
#include "alg/core/nat_detection.hpp"
#include "alg/core/note_step.hpp"
#include "alg/core/path_signs.hpp"
#include "alg/core/state.hpp"
#include "alg/nat/translate.hpp"
#include "alg/rewrite/media.hpp"
#include "alg/rewrite/signalling.hpp"
#include "alg/sip/body.hpp"
#include "alg/sip/name_addr.hpp"
#include "alg/sip/uri.hpp"

// Theory of operation. A message passes four steps: it is parsed; the phone's endpoints that it names are
// mapped; its call or registration is updated; and its addresses are rewritten by look-ups among the
// mappings. Rewriting never makes a mapping, so the third step does not affect the bytes that leave.

namespace sipalg {

namespace {

// The sockets that a phone's message names: its source, and those at which the phone expects responses and
// requests.
class OwnSockets {
  public:
    void add(const Socket& socket) {
        if (count_ < sockets_.size() && std::find(begin(), end(), socket) == end())
            sockets_[count_++] = socket;
    }
    const Socket* begin() const { return sockets_.data(); }
    const Socket* end() const { return sockets_.data() + count_; }

  private:
    std::array<Socket, 8> sockets_{};
    std::size_t count_ = 0;
};

class Inspection {
  public:
    Inspection(State& state, const Envelope& envelope, Time now, Decision& decision)
        : state_(state),
          envelope_(envelope),
          now_(now),
          decision_(decision),
          outward_(envelope.from == Side::inside),
          phone_(outward_ ? envelope.source : envelope.destination),
          peer_(outward_ ? envelope.destination : envelope.source),
          effects_{decision.changes, decision.stale, decision.ended, decision.events},
          resolver_(state, envelope, phone_.address, now, decision.asked, decision.changes) {}

    void run() {
        contact_ = {envelope_.transport, phone_};
        note_proof();
        if (outward_)
            map_own_sockets();
        else {
            state_.mappings.adopt(contact_, envelope_.egress, !is_sip_port(phone_.port), now_,
                                  decision_.changes);
            deliver();
            if (proven_)
                state_.mappings.make_reachable({contact_, envelope_.egress.address}, now_, decision_.changes);
        }
        bodies_ = sip::find_sdp(message());
        note_path_sign(state_, envelope_, now_);
        note_nat_handling();
        unmodified_ = is_left_alone();
        follow();
        if (!unmodified_) rewrite();
        if (effects_.limit) decision_.reason = Reason::limit_reached;
    }

  private:
    const sip::Message& message() const { return state_.message; }
    bool is_sip_port(std::uint16_t port) const {
        const auto& ports = state_.policy.sip_ports;
        return std::find(ports.begin(), ports.end(), port) != ports.end();
    }

    // X11: a request that a binding lets in counts as an answer.
    void note_proof() {
        const nat::PhonePeer pair{phone_.address, peer_.address};
        proven_ = state_.proofs.is_proven(pair, now_);
        if (!proven_ && !outward_ && message().is_request() && is_let_in(state_, envelope_)) {
            state_.proofs.note(pair, now_);
            proven_ = true;
        }
    }

    void map_own_sockets() {
        const bool emergency = state_.calls.begins_emergency(message(), phone_.address);
        OwnSockets sockets;
        std::optional<Socket> responses;  // where the phone expects them
        sockets.add({envelope_.transport, phone_});
        if (message().is_request()) {  // the topmost Via of a response is the peer's
            const sip::Via& via = message().top_via();
            const sip::HostPort& sent_by = via.sent_by;
            if (sent_by.address == phone_.address || Address::parse(via.maddr) == phone_.address)
                responses.emplace(Socket{envelope_.transport, {phone_.address, sent_by.port.value_or(5060)}});
            else if (sent_by.address)
                shows({envelope_.transport, {*sent_by.address, sent_by.port.value_or(5060)}}, false);
        }
        for (const sip::Header& header : message().headers()) {
            if (header.id != sip::HeaderId::contact) continue;
            std::string_view rest = header.value;
            while (const auto entry = sip::next_name_addr(rest)) {
                const auto uri = sip::literal_target(entry->uri);
                if (!uri) continue;
                const Transport transport = sip::transport_of(uri->transport, envelope_.transport);
                const Endpoint shown{*uri->host_port.address, uri->host_port.port.value_or(5060)};
                shows({transport, shown}, message().is_request());
                if (shown.address != phone_.address) continue;
                const Socket socket{transport, shown};
                sockets.add(socket);
                if (!shows_inside_) contact_ = socket;
                shows_inside_ = true;
            }
        }
        if (responses &&
            !note_listener(state_, envelope_, shows_inside_ ? std::optional(contact_) : std::nullopt, now_,
                           effects_))
            sockets.add(*responses);
        for (const Socket& socket : sockets) {
            const nat::MappingEntry* entry = nullptr;
            const nat::PortWish shown{
                .preferred = shown_port_.value_or(0), .exact = true, .emergency = emergency};
            if (shown_port_ && socket.endpoint == phone_)
                entry = state_.mappings.map(socket, envelope_.egress, shown, now_, decision_.changes);
            if (!entry)
                entry = state_.mappings.map(socket, envelope_.egress, {.emergency = emergency}, now_,
                                            decision_.changes);
            if (!entry) {
                effects_.limit = effects_.limit || !nat::is_forbidden_port(socket.endpoint.port);
                continue;
            }
            const Endpoint outside = entry->mapping.outside;
            const bool is_new = state_.mappings.refresh(entry->key(), !is_sip_port(socket.endpoint.port),
                                                        now_, decision_.changes, proven_);
            // A flow that is older than the mapping keeps its old translation (C7), and a flow that is older
            // than a change of the router's address keeps the old address (C11).
            const bool moved = state_.scan.old_flows_possible();
            // A TCP connection cannot change its ports, so it keeps its translation until it ends.
            if ((!is_new && !moved) || entry->adopted || socket.transport == Transport::tcp) continue;
            decision_.stale.push_back({socket.transport, socket.endpoint, peer_});
            decision_.stale.push_back({socket.transport, peer_, outside});
        }
    }

    // S4: a message to a port from which the phone only sends is delivered to the port at which it listens.
    void deliver() {
        const auto port = delivery_port(state_, envelope_);
        if (!port) return;
        decision_.destination_port = port;
        state_.mappings.listeners().refresh(phone_, now_, decision_.changes);
        const Socket socket{Transport::udp, {phone_.address, *port}};
        const bool is_mapped = state_.mappings.find(nat::MappingKey{socket, envelope_.egress.address});
        if (message().is_request() && is_mapped) contact_ = socket;
    }

    // The phone names a public signalling endpoint as its own, so it handles NAT itself (S2). At first the
    // ALG has no such mapping. If NAT has none for the phone's socket either, it gets the named one (C12).
    void shows(const Socket& shown, bool as_contact) {
        const Address& host = shown.endpoint.address;
        if (host != envelope_.egress.advertised) return;
        handles_nat_itself_ = handles_nat_itself_ || (as_contact && host != phone_.address);
        if (const nat::MappingEntry* entry = state_.mappings.find_public(shown)) {
            if (entry->mapping.inside.address == phone_.address)
                state_.mappings.set_shown(*entry, entry->shown.when_public());
            return;
        }
        const nat::MappingKey source{{envelope_.transport, phone_}, envelope_.egress.address};
        if (state_.mappings.find(source) || state_.mappings.existing_nat().find(source)) return;
        resolver_.ask({shown.transport, {envelope_.egress.address, shown.endpoint.port}});
        // One port must not mean two phones, even with different transports (C9).
        const Transport other = shown.transport == Transport::udp ? Transport::tcp : Transport::udp;
        const nat::MappingEntry* twin = state_.mappings.find_public({other, shown.endpoint});
        if (!twin || twin->mapping.inside.address == phone_.address) shown_port_ = shown.endpoint.port;
    }

    // A conclusion applies from this message on.
    void note_nat_handling() {
        const nat::PhonePeer pair{phone_.address, peer_.address};
        nat::NatHandling& nat_handling = state_.nat_handling;
        if (outward_) {
            if (handles_nat_itself_)
                note(pair, nat::NatHandler::phone);
            else if (shows_inside_ && nat_handling.of(pair) == nat::NatHandler::phone)
                nat_handling.forget(pair);
        } else if (!is_routed()) {
            const NatProof proof = nat_proof(state_, envelope_, now_);
            if (proof == NatProof::handles)
                note(pair, nat::NatHandler::peer);
            else if (proof == NatProof::does_not && nat_handling.of(pair) == nat::NatHandler::peer)
                nat_handling.forget(pair);
        }
        if (!nat_handling.empty()) nat_handling.refresh(pair, now_);
    }

    void note(const nat::PhonePeer& pair, nat::NatHandler handler) {
        const Mode mode = state_.policy.treatments.mode_of(pair.phone, pair.peer);
        if (mode != Mode::automatic && mode != Mode::observe) return;
        const bool by_registrar = !outward_ && !message().is_request();
        const std::string_view registration = by_registrar ? message().call_id() : std::string_view();
        if (!state_.nat_handling.note(pair, handler, now_, registration)) return;
        const bool by_peer = handler == nat::NatHandler::peer;
        effects_.events.push_back({by_peer ? Event::Kind::peer_handles_nat : Event::Kind::phone_handles_nat,
                                   pair.phone.text() + " at " + pair.peer.text(),
                                   by_registrar ? "the registrar has stored the inside address although the "
                                                  "REGISTER had a public one; messages are not changed"
                                   : by_peer ? "the peer called the inside address; messages are not changed"
                                             : "the phone writes the public address; messages need no change",
                                   pair.phone, pair.peer});
    }

    bool is_routed() const { return envelope_.egress.address == phone_.address; }

    // Whether the message must pass unmodified (N2, S2). A call continues as it began.
    bool is_left_alone() const {
        if (is_routed()) return true;
        const Mode mode = state_.policy.treatments.mode_of(phone_.address, peer_.address);
        const nat::PhonePeer pair{phone_.address, peer_.address};
        const bool registers = outward_ && message().method() == sip::Method::register_;
        const bool proves = registers && state_.nat_handling.is_to_prove(pair, message().call_id());
        const bool minded = !proves && mode != Mode::rewrite && mode != Mode::pinhole &&
                            !state_.nat_handling.empty() &&
                            state_.nat_handling.of(pair) == nat::NatHandler::peer;
        if (mode == Mode::pinhole || minded || state_.calls.some_unmodified()) {
            const auto* call = state_.calls.find_identity(message().call_id(), phone_.address);
            if (call) return call->unmodified;
        }
        if (!minded) return mode == Mode::pinhole;
        // Public addresses that the peer was given earlier are still translated back for the phone.
        return outward_ || !names_shown_endpoint(state_, envelope_);
    }

    call::SharedSession session() {
        return session([this](const Socket& socket) {
            return outward_ ? resolver_.own(socket) : resolver_.peer(socket);
        });
    }
    call::SharedSession session(const call::Resolve& resolve) {
        call::Session streams;
        bool described = false;
        for (std::size_t i = 0; i < bodies_.sdp.size(); ++i) {
            if (!state_.description.parse(bodies_.sdp[i].text)) continue;
            described = true;
            call::read_session(state_.description, resolve, streams);
        }
        return described ? call::SharedSession(std::move(streams)) : call::SharedSession();
    }

    void follow() {
        const sip::Method method = message().method();
        call::DescribedMessage received{{message(), envelope_.from, phone_.address, peer_.address, contact_,
                                         envelope_.egress, unmodified_, now_, proven_},
                                        {}};
        if (method == sip::Method::register_) {
            const auto own = [this](std::string_view transport, const Address& host, std::uint16_t port) {
                return own_contact(transport, host, port);
            };
            if (message().is_request() && outward_) state_.registrations.request(received, own, effects_);
            if (!message().is_request() && !outward_) state_.registrations.response(received, own, effects_);
            return;
        }
        if (!state_.calls.concerns(message(), phone_.address)) return map_description();
        // A request from outside makes state only at an endpoint that the phone has used itself (X3).
        if (!outward_ && !state_.mappings.find(nat::MappingKey{contact_, envelope_.egress.address})) return;
        received.session = session();
        state_.calls.follow(received, effects_);
        const bool describes = received.session && message().status() < 300;
        if (outward_ && describes && !effects_.limit && !is_routed())
            call::map_remaining(*received.session, phone_.address, envelope_.egress, now_, state_.mappings,
                                effects_);
    }

    void map_description() {
        const bool translated = envelope_.egress.address != phone_.address;
        if (!outward_ || !translated || bodies_.sdp.size() == 0 || !call::describes_in_dialog(message()))
            return;
        // The meaning of 0.0.0.0 depends on existing mappings, so a retransmission could have another result
        // (C10).
        const call::SharedSession described = session([this](const Socket& socket) {
            return socket.endpoint.address.is_unspecified() ? std::nullopt : resolver_.own(socket);
        });
        if (described)
            call::map_unknown_dialog(*described, envelope_.egress, now_, state_.mappings, effects_);
    }

    std::optional<Socket> own_contact(std::string_view parameter, const Address& host,
                                      std::uint16_t port) const {
        const Transport transport = sip::transport_of(parameter, envelope_.transport);
        if (host == phone_.address) return Socket{transport, {host, port}};
        const nat::MappingEntry* entry = state_.mappings.find_named({transport, {host, port}});
        if (!entry || entry->mapping.inside.address != phone_.address) return std::nullopt;
        return Socket{transport, entry->mapping.inside};
    }

    void rewrite() {
        const Socket own{envelope_.transport, phone_};
        if (outward_)
            write(nat::Outward(state_.mappings, own, envelope_.egress));
        else
            write(nat::Inward(state_.mappings, own, envelope_.egress));
    }

    void write(const rewrite::Translation& translation) {
        rewrite::Edits& edits = state_.edits;
        edits.start(message().bytes());
        rewrite::plan_head(message(), translation, edits);
        const bool told = bodies_.sdp.size() == 0 ||
                          rewrite::plan_body(message(), bodies_, translation, state_.description, edits);
        // Report it once: a retransmission stages no changes.
        if (!told && !decision_.changes.empty())
            effects_.events.push_back({Event::Kind::body_sealed, std::string(message().call_id()),
                                       "the session description names " + phone_.address.text() +
                                           ", but is signed, encrypted or encoded; media may not arrive",
                                       phone_.address, peer_.address});
        explain();
        if (edits.empty()) return;
        decision_.rewritten = true;
        decision_.reason = Reason::rewritten;
    }

    // Lists each address with the change, or with the reason why it was kept, in the order of the message.
    void explain() {
        if (!state_.explaining) return;
        const rewrite::Edits& edits = state_.edits;
        for (const rewrite::Edit& edit : edits.planned())
            decision_.explained.push_back({edit.offset, edit.length, std::string(edits.text(edit)),
                                           edit.place, rewrite::Kept::changed});
        for (const rewrite::Note& note : edits.notes())
            decision_.explained.push_back({note.offset, note.length, {}, note.place, note.kept});
        std::sort(decision_.explained.begin(), decision_.explained.end(),
                  [](const Explained& a, const Explained& b) { return a.offset < b.offset; });
    }

    State& state_;
    const Envelope& envelope_;
    const Time now_;
    Decision& decision_;
    const bool outward_;
    const Endpoint phone_, peer_;
    Socket contact_;
    bool shows_inside_ = false;        ///< the phone writes its inside address as a contact
    bool handles_nat_itself_ = false;  ///< the phone writes its public address as its own
    bool unmodified_ = false;
    std::optional<std::uint16_t> shown_port_;  ///< the public one that the phone names for its socket
    bool proven_ = false;                      ///< the pair is proven (X11)
    sip::Bodies bodies_;
    Effects effects_;
    EndpointResolver resolver_;
};

}  // namespace

void inspect_message(State& state, const Envelope& envelope, Time now, Decision& decision) {
    Inspection(state, envelope, now, decision).run();
    // A message that asks is inspected again.
    if (decision.asked.empty()) note_step(state, envelope, now, decision);
}

}  // namespace sipalg
