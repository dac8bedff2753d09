#include "alg/call/calls.hpp"

#include <algorithm>
#include <utility>

#include "alg/base/earliest.hpp"
#include "alg/call/call_record.hpp"
#include "alg/call/emergency.hpp"
#include "alg/call/ended.hpp"
#include "alg/call/new_call.hpp"
#include "alg/call/silence.hpp"
#include "alg/call/timeouts.hpp"
#include "alg/kernel/record.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::call {

namespace {

std::string offered_text(const DescribedMessage& received, const Call& call) {
    std::string text = received.phone.text();
    if (received.from == Side::inside) return text.append(" calls ").append(call.to);
    return text.append(" is called through ").append(received.peer.text());
}

}  // namespace

bool Calls::concerns(const sip::Message& message, const Address& phone) const {
    switch (message.method()) {
        case sip::Method::invite:
            if (message.is_request()) return true;
            if (message.status() > 100 || calls_.some_legs()) return find_identity(message.call_id(), phone);
            if (const Call* call = find(message.call_id(), phone))
                return call->awaits_proof();  // X11: any response proves
            return false;
        case sip::Method::cancel:  // its answer shows that the caller has given up the INVITE
            return !message.is_request() && find_identity(message.call_id(), phone);
        case sip::Method::ack:
        case sip::Method::bye:
        case sip::Method::prack:
        case sip::Method::update: return find_identity(message.call_id(), phone);
        default: return false;
    }
}

const CallIdentity* Calls::find_identity(std::string_view call_id, const Address& phone) const {
    if (const Call* open = find(call_id, phone)) return open;
    const ClosedCall* closed = closed_.find({call_id, phone});
    for (std::uint8_t leg = 1; !closed && calls_.some_legs() && leg < max_legs; ++leg)
        closed = closed_.find({call_id, phone, leg});
    return closed;
}

bool Calls::begins_emergency(const sip::Message& message, const Address& phone) const {
    return message.is_request() && message.method() == sip::Method::invite && message.to_tag().empty() &&
           is_emergency(message.request_uri(), policy_.emergency_numbers) &&
           !find(message.call_id(), phone) && quota_.have_emergency_room(phone);
}

// X7: closed calls make room.
bool Calls::has_room(const DescribedMessage& received) {
    if (!quota_.have_room(received.phone, received.peer, received.from)) return false;
    const auto is_full = [&] {
        return !sipalg::has_room(calls_.size() + closed_.size(), policy_.max_calls,
                                 quota_.is_guaranteed(received.phone));
    };
    while (is_full())
        if (!closed_.drop_oldest()) return false;
    return true;
}

Calls::Found Calls::find_or_make(const CallKey& key, const DescribedMessage& received, Effects& effects) {
    const sip::Message& message = received.message;
    if (Call* known = calls_.edit(key)) return {known, {}};
    if (!message.is_request() || message.method() != sip::Method::invite) return {};
    // X3: a request from outside in an unknown dialog makes no state.
    if (!message.to_tag().empty() && received.from == Side::outside) return {};
    SmallVector<Transaction, 1> former;
    if (const ClosedCall* closed = closed_.find({key.call_id, key.phone, key.leg})) {
        if (!closed->is_begun_again_by(received)) return {};
        if (closed->has_invite_of(received)) former = closed->invite.transactions;
    }
    const bool emergency = received.from == Side::inside && begins_emergency(message, received.phone);
    if (!emergency && !has_room(received)) {
        effects.limit = true;
        return {};
    }
    closed_.erase(key);
    if (!received.proven) make_room_for_unproven(received.now, effects);
    Call call = new_call(received);
    call.record_id = record_ids_.take();
    call.emergency = emergency;
    some_unmodified_ = some_unmodified_ || call.unmodified;
    effects.events.push_back({Event::Kind::call_offered, std::string(key.call_id),
                              offered_text(received, call), received.phone, received.peer});
    quota_.count(received.phone, {}, CallQuota::of(call));
    return {&calls_.put(key, std::move(call)), std::move(former)};
}

void Calls::follow(const DescribedMessage& received, Effects& effects) {
    if (!received.has_bounded_identifiers()) {
        effects.limit = true;
        return;
    }
    const CallKeyView leg = calls_.leg_of(received, closed_);
    if (is_bare_ack(received) && changes_no_peer(leg, received)) return;
    const CallKey* const known = calls_.key_of(leg);
    const CallKey key = known ? *known : CallKey{leg.call_id, leg.phone, leg.leg};
    const auto [call, former] = find_or_make(key, received, effects);
    if (!call) return;
    const CallQuota::Share before = CallQuota::of(*call);
    const Outcome outcome = note_proof(key, *call, received, call::follow(*call, received));
    call->invite.transactions.insert(call->invite.transactions.end(), former.begin(), former.end());
    drop_peers(key, *call, max_peers);
    unproven_.note(key, *call);
    quota_.count(received.phone, before, CallQuota::of(*call));
    switch (outcome) {
        case Outcome::none:
        case Outcome::scheduled: break;
        case Outcome::rings:
            // P2: not worth a transaction of its own.
            if (!effects.changes.empty()) resources_.save(key, *call, received.now, effects);
            break;
        case Outcome::noted: resources_.save(key, *call, received.now, effects); break;
        case Outcome::changed: resources_.settle(key, *call, received.now, effects); break;
        case Outcome::answered:
            effects.events.push_back(
                {Event::Kind::call_answered, std::string(key.call_id), "answered", key.phone, received.peer});
            resources_.settle(key, *call, received.now, effects);
            break;
        case Outcome::ended:
            if (received.message.method() == sip::Method::bye)
                close(key, *call, EndReason::bye, received.now, effects);
            else
                close(key, *call, EndReason::not_answered, received.now, effects);
            return;
    }
    if (call->active == received.now) check_audio_later(key, *call, received.now);
    schedule(key, *call, received.now);
}

// X11: from now on the pinholes of the call for this peer are open. The peer's messages in the call keep the
// pair proven until the call ends; a response without a request (X4) does not.
Outcome Calls::note_proof(const CallKey& key, Call& call, const DescribedMessage& received, Outcome outcome) {
    CallPeer* peer = received.proven ? call.peer(received.peer) : nullptr;
    if (!peer) return outcome;
    if (received.from == Side::outside && !peer->answered && outcome != Outcome::none) {
        peer->answered = true;
        proofs_.acquire({key.phone, peer->address});
        if (outcome == Outcome::scheduled) outcome = Outcome::noted;
    }
    return !std::exchange(peer->admitted, true) && is_quiet(outcome) ? Outcome::changed : outcome;
}

// Whether a message that changes nothing else leaves the peers of its call as they are. Most ACKs need no
// copy of the call for cancel() then.
bool Calls::changes_no_peer(const CallKeyView& key, const DescribedMessage& received) const {
    const Call* call = calls_.find(key);
    if (!call) return false;
    const auto peer = std::find_if(call->peers.begin(), call->peers.end(),
                                   [&](const CallPeer& one) { return one.address == received.peer; });
    return peer != call->peers.end() && (peer->admitted || !received.proven);
}

// Removes the last of its peers until at most this number remains.
void Calls::drop_peers(const CallKey& key, Call& call, std::size_t most) {
    for (; call.peers.size() > most; call.peers.pop_back())
        if (call.peers.back().answered) proofs_.release({key.phone, call.peers.back().address});
}

void Calls::prove(const nat::PhonePeer& pair, Time now, Effects& effects) {
    if (unproven_.size() == 0) return;
    for (const CallKey& key : unproven_.of(pair)) {
        const Call* known = calls_.find(key);
        if (!known || key.phone != pair.phone || !known->has_peer(pair.peer)) continue;
        Call& call = *calls_.edit(key);
        call.peer(pair.peer)->admitted = true;
        unproven_.note(key, call);
        resources_.settle(key, call, now, effects);
        schedule(key, call, now);
    }
}

// X7: a host that begins many calls loses its own oldest call.
void Calls::make_room_for_unproven(Time now, Effects& effects) {
    while (unproven_.size() >= policy_.max_unproven_calls) {
        const auto oldest = unproven_.oldest_of_largest();
        if (!oldest) return;
        end(*oldest, *calls_.edit(*oldest), EndReason::crowded_out, now, effects);
    }
}

void Calls::end(const CallKey& key, Call& call, EndReason why, Time now, Effects& effects) {
    effects.events.push_back({Event::Kind::call_ended, std::string(key.call_id), std::string(sentence(why)),
                              key.phone, call.first_peer(), ended_call(key, call, audio_, why, now)});
    quota_.count(key.phone, CallQuota::of(call), {});
    drop_peers(key, call, 0);
    unproven_.forget(key);
    resources_.release(key, call, now, effects);
    deadlines_.erase(key);
    calls_.erase(key);
}

void Calls::close(const CallKey& key, Call& call, EndReason why, Time now, Effects& effects) {
    closed_.add(key, ClosedCall(call), now + transaction_time);
    end(key, call, why, now, effects);
}

std::size_t Calls::close_chosen(const std::function<bool(const CallKey&)>& chosen, std::size_t most, Time now,
                                Effects& effects) {
    std::vector<CallKey> keys;
    for (const auto& [key, call] : calls_)
        if (keys.size() < most && chosen(key)) keys.push_back(key);
    for (const CallKey& key : keys)
        close(key, *calls_.edit(key), EndReason::closed_by_owner, now, effects);
    return keys.size();
}

Time Calls::media_seen(const Call& call) const {
    Time seen = call.active;
    for (const nat::MappingKey& key : call.mappings) {
        if (key.inside == call.contact) continue;  // keep-alives flow there, not media
        if (const nat::MappingEntry* entry = mappings_.find(key)) seen = std::max(seen, entry->last_flow);
    }
    return seen;
}

// C6: while no media are expected, the session timer decides when the call ends.
std::optional<Time> Calls::silent_until(const Call& call) const {
    if (!call.on_hold()) return media_seen(call) + policy_.silence;
    if (call.has_session_timer()) return std::nullopt;
    return media_seen(call) + policy_.hold;
}

// A scan of the flows that rules have noted may miss one, for example if the owner has flushed the ruleset.
bool Calls::is_silence_certain(const Call& call) const {
    return !scans_partial_ || whole_scan_ > media_seen(call);
}

void Calls::note_scan(Time begun, bool whole) {
    scans_partial_ = scans_partial_ || !whole;
    if (!whole) return;
    whole_scan_ = begun;
    wants_whole_scan_ = false;
}

void Calls::schedule(const CallKey& key, const Call& call, Time now) {
    const bool confirmed = call.state == Call::State::confirmed;
    const Time due = next_timeout(call, confirmed ? silent_until(call) : std::nullopt);
    deadlines_.schedule(key, std::max(due, now + Time{1}));
}

std::optional<Time> Calls::next_deadline() const {
    return earliest({deadlines_.next(), closed_.next_deadline()});
}

void Calls::expire(Time now, Effects& effects) {
    closed_.expire(now);
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto key = deadlines_.take_due(now);
        if (!key) return;
        expire(*key, now, effects);
    }
}

void Calls::expire(const CallKey& key, Time now, Effects& effects) {
    Call& call = *calls_.edit(key);
    const TimedOut ended = end_timed_out(call, now);
    bool unconfirmed = false;  // silence
    if (call.state == Call::State::confirmed) {
        if (!call.alive()) return close(key, call, ended.why, now, effects);
        if (silent_until(call).value_or(now + Time{1}) <= now) {
            if (is_silence_certain(call)) return close(key, call, EndReason::silence, now, effects);
            wants_whole_scan_ = true;
            unconfirmed = true;
        }
    } else if (call.ringing_until <= now) {
        return close(key, call, EndReason::no_final_answer, now, effects);
    }
    if (ended.changed) resources_.settle(key, call, now, effects);
    if (call.renew_at <= now) resources_.renew(key, call, now, effects);
    if (unconfirmed) return deadlines_.schedule(key, now + confirm_silence_every);
    schedule(key, call, now);
}

void Calls::check_audio_later(const CallKey& key, Call& call, Time now) {
    if (!policy_.sees_flows || call.audio_check_pending || call.state != Call::State::confirmed) return;
    call.audio_check_pending = true;
    audio_checks_.emplace_back(now + audio_check_time, key);
}

void Calls::check_audio(Time now, std::vector<Event>& events) {
    for (std::size_t left = audio_checks_.size(); left > 0 && wants_audio_check(now); --left) {
        const CallKey key = std::move(audio_checks_.front().second);
        audio_checks_.pop_front();
        Call* call = calls_.edit(key);
        if (!call || call->state != Call::State::confirmed) continue;
        const std::string missing = one_way_media(*call, audio_);
        if (!missing.empty()) {
            events.push_back({Event::Kind::media_missing, std::string(key.call_id), missing, key.phone,
                              call->first_peer()});
        } else {
            // An undecided call is checked again; one with media both ways after its next change.
            call->audio_check_pending = false;
            if (is_undecided(*call, audio_)) check_audio_later(key, *call, now);
        }
        calls_.commit();  // keeps the transaction small, as StagedMap expects
    }
}

bool Calls::restore(const StoredRecord& record, Time now, Effects& effects) {
    CallKey key;
    Call call;
    if (!read_record(record.bytes, key, call, record.clock) || calls_.contains(key)) return false;
    limit_times(call, now);
    if (record.in_notes && call.ringing_until <= now) return false;  // it may have ended long ago
    call.record_id = record.id;
    call.record_in_notes = record.in_notes && record.clock == Time{0};
    call.restored = true;
    some_unmodified_ = some_unmodified_ || call.unmodified;
    const WrittenRecord present{record.clock == Time{0} ? record.bytes : write_record(key, call)};
    call.record = present.pieces;
    store_record(record.id, record.in_notes ? std::string_view() : record.bytes,
                 call.record_in_notes ? WrittenRecord() : present, false,
                 std::chrono::ceil<Seconds>(std::max(record.until - now, Time{1})), effects.changes);
    call.active = now;  // silence counts from now on, because media were not observed before
    call.renew_at = now + std::max(record.until - now, Time{0}) / 2;
    quota_.count(key.phone, {}, CallQuota::of(call));
    for (const CallPeer& peer : call.peers)
        if (peer.answered) proofs_.acquire({key.phone, peer.address});
    unproven_.note(key, call);
    Call& there = calls_.put(key, std::move(call));
    resources_.acquire(key, there, std::max(record.until, now + Time{1000}), now, effects);
    schedule(key, there, now);
    return true;
}

void Calls::add_latched(const LatchedSource& source, Time now, Effects& effects) {
    const nat::MappingEntry* entry = mappings_.find_outside({source.transport, source.outside});
    const auto* found = resources_.latches().calls_with(Latch{source.transport, source.outside});
    if (!entry || !found) return;
    const Socket inside = entry->key().inside;
    const std::vector<CallKey> keys = *found;
    for (const CallKey& key : keys) {
        Call& call = *calls_.edit(key);
        if (resources_.media_source(key, call) != MediaSource::latch) continue;
        std::erase_if(call.latched, [&](const CallLatchedSource& known) { return known.inside == inside; });
        if (call.latched.size() >= max_latched) continue;
        call.latched.push_back({inside, source.remote});
        effects.events.push_back({Event::Kind::media_latched, std::string(key.call_id),
                                  "media for " + inside.endpoint.text() +
                                      " come from the unannounced address " + source.remote.text(),
                                  key.phone, call.first_peer()});
        resources_.settle(key, call, now, effects);
    }
}

void Calls::renumber(nat::Renumbering& renumbering, Time now, Effects& effects) {
    std::vector<CallKey> moving;
    for (const auto& [key, call] : calls_)
        if (renumbering.target_of_user(call.egress)) moving.push_back(key);
    for (const CallKey& key : moving) {
        Call& call = *calls_.edit(key);
        const Address from = call.egress.address;
        resources_.move(key, call, renumbering, now, effects);
        ++renumbering.counts(from).calls;
        if (from != call.egress.address) {
            call.active = now;  // silence is measured from now on
            check_audio_later(key, call, now);
        }
        resources_.save(key, call, now, effects);
        schedule(key, call, now);
    }
}

void Calls::list_records(RecordState wanted, Time now, std::vector<Change>& changes) {
    std::vector<CallKey> outdated;
    for (const auto& [key, call] : calls_) {
        if (wanted == RecordState::in_kernel && (call.record_in_notes || call.record.empty())) continue;
        const WrittenRecord record{write_record(key, call)};
        store_record(call.record_id, {}, record, false,
                     std::chrono::ceil<Seconds>(Resources::lifetime(call, now) - now), changes);
        if (wanted == RecordState::in_kernel && call.record != record.pieces) outdated.push_back(key);
    }
    for (const CallKey& key : outdated) {
        Call& call = *calls_.edit(key);
        call.record = RecordPieces(write_record(key, call));
        calls_.commit();  // keeps the transaction small, as StagedMap expects
    }
}

void Calls::commit() {
    calls_.commit();
    quota_.commit();
    unproven_.commit();
    resources_.commit();
    closed_.commit();
    deadlines_.commit();
}

void Calls::cancel() {
    calls_.cancel();
    quota_.cancel();
    unproven_.cancel();
    resources_.cancel();
    closed_.cancel();
    deadlines_.cancel();
}

}  // namespace sipalg::call
