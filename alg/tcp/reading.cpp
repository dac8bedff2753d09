// A segment that comes: what of it is new, which messages it completes, and what they mean.
#include <algorithm>

#include "alg/core/inspect_message.hpp"
#include "alg/core/state.hpp"
#include "alg/kernel/record.hpp"
#include "alg/sip/body.hpp"
#include "alg/tcp/connections.hpp"

namespace sipalg::tcp {

namespace {

// Longer than conntrack keeps an idle connection (nf_conntrack_tcp_timeout_established), so that none of its
// segments passes untranslated while there is no daemon.
constexpr Seconds kept_for{6 * 24 * 3600};
constexpr Time renewed_every{12 * 3600 * 1000};
// No path needs segments this small (Linux takes none below); bytes in smaller ones would be mostly headers.
constexpr std::uint16_t smallest_mss = 88;

std::int64_t growth(const std::vector<SequenceMap::Edit>& edits) {
    std::int64_t sum = 0;
    for (const SequenceMap::Edit& edit : edits)
        sum += static_cast<std::int64_t>(edit.text.size()) - (edit.end - edit.begin);
    return sum;
}

void take_options(Direction& half, const Segment& segment) {
    if (segment.mss) half.mss = std::max(*segment.mss, smallest_mss);
    half.window_scale = segment.window_scale.value_or(0);
    half.sack = segment.sack_permitted;
    half.window = segment.window;
    half.timestamps = segment.timestamps.has_value();
    if (segment.timestamps) half.timestamp = segment.timestamps->first;
}

}  // namespace

void Connections::arrive(State& state, const Arrival& arrival, const Packet& packet, Time now,
                         Decision& decision) {
    step_.kind = Step::Kind::none;
    decision.reason = Reason::unread_stream;
    const auto segment = parse_segment(arrival.bytes, packet);
    if (!segment) return;
    const bool outward = arrival.from == Side::inside;
    step_.key = outward ? ConnectionKey{packet.source, packet.destination}
                        : ConnectionKey{packet.destination, packet.source};
    step_.carrier = {arrival.token, arrival.bytes, *segment, 0, 0};
    Connection* flow = find(step_.key);
    if (segment->has(Segment::syn)) {
        if (!arrive_syn(state, arrival, *segment, flow, now, decision)) {
            // It is not read, but what has waited in one whose place it takes has to be let go.
            decision.stream = !ended_.empty();
            if (decision.stream) step_.kind = Step::Kind::pass;
            return;
        }
        step_.kind = Step::Kind::syn;
        decision.stream = true;
        decision.reason = Reason::segment;
        return;
    }
    if (!flow || flow->unmodified) return;
    Direction& half = flow->half(arrival.from);
    flow->last_seen = now;
    decision.stream = true;
    decision.reason = Reason::segment;
    if (flow->refused) {
        decision.reason = Reason::stream_lost;
        step_.kind = Step::Kind::lost;
        return;
    }
    if (!half.known() && !flow->half(opposite(arrival.from)).shift().is_identity()) {
        decision.reason = Reason::stream_lost;
        step_.kind = Step::Kind::lost;
        return;
    }
    if (!half.known()) {
        decision.stream = false;
        return;
    }
    if (!note_acknowledgement(*flow, arrival.from, *segment)) {
        decision.reason = Reason::stream_lost;
        step_.kind = Step::Kind::lost;
        return;
    }
    half.window = segment->window;
    if (segment->timestamps) half.note_timestamp(segment->timestamps->first);
    step_.carrier.begin = half.at(segment->sequence);
    step_.carrier.end = step_.carrier.begin + static_cast<Position>(segment->payload.size());
    if (segment->has(Segment::rst)) {
        step_.kind = Step::Kind::reset;
        return;
    }
    // Nobody sends again what was taken over, so it is kept until the receiver has room; what comes beyond
    // the bound meanwhile is as good as lost.
    if (half.owes() && half.is_stalled() && step_.carrier.end > half.received() &&
        memory_ > policy_.max_stream_memory) {
        step_.kind = Step::Kind::drop;
        return;
    }
    step_.kind = Step::Kind::data;
    half.mark();
    half.receive(step_.carrier.begin, segment->payload);
    if (segment->is_fin()) half.fin = step_.carrier.end;
    if (!read(state, arrival, *flow, now, decision)) {
        half.rewind();
        decision.stream = false;
        step_.kind = Step::Kind::none;
    }
}

// False: it is passed as it came.
bool Connections::arrive_syn(State& state, const Arrival& arrival, const Segment& segment, Connection* flow,
                             Time now, Decision& decision) {
    const bool answers = segment.has(Segment::ack);
    const bool repeated =
        flow && flow->half(arrival.from).known() && flow->half(arrival.from).initial() == segment.sequence;
    if (answers && flow && !repeated) {
        const auto rival = flow->rival;
        if (!rival || rival->from == arrival.from || segment.acknowledgement != rival->syn.sequence + 1) {
            answer(*flow, arrival.from, segment);
        } else {
            Arrival first = arrival;
            first.from = rival->from;
            end(state, *flow, now, decision.changes);
            if (!begin(state, first, rival->syn, now, decision)) return false;
            answer(step_.flow, arrival.from, segment);
        }
    }
    if (answers || repeated) return flow && !flow->unmodified && !flow->refused;
    if (flow && flow->is_live()) {
        flow->rival = {arrival.from, segment};
        flow->rival->syn.payload = {};
        return true;
    }
    if (flow) end(state, *flow, now, decision.changes);
    return begin(state, arrival, segment, now, decision);
}

Connection* Connections::find(const ConnectionKey& key) {
    const auto it = flows_.find(key);
    return it == flows_.end() ? nullptr : &it->second;
}

// A SYN: the connection's first word. False: it will not be read.
bool Connections::begin(State& state, const Arrival& arrival, const Segment& segment, Time now,
                        Decision& decision) {
    const ConnectionKey& key = step_.key;
    if (segment.authenticated || arrival.egress.address.family() != key.phone.address.family()) return false;
    const auto count = per_phone_.find(key.phone.address);
    const std::size_t of_phone = count == per_phone_.end() ? 0 : count->second;
    if (flows_.size() >= policy_.max_streams || of_phone >= policy_.max_streams_per_phone) {
        decision.reason = Reason::limit_reached;
        return false;
    }
    step_.flow = Connection{};
    Connection& flow = step_.flow;
    flow.key = key;
    flow.egress = arrival.egress;
    flow.editing = policy_.edits && arrival.egress.address != key.phone.address;
    flow.last_seen = now;
    flow.over = now + half_open_time;
    flow.half(arrival.from).begin(segment.sequence, flow.editing);
    take_options(flow.half(arrival.from), segment);
    // What the phone says of itself must be what NAT makes of it, and NAT decides now.
    const Socket inside{Transport::tcp, key.phone};
    if (arrival.from == Side::inside && !state.mappings.map(inside, arrival.egress, {}, now)) {
        decision.reason = Reason::limit_reached;
        return false;
    }
    const nat::MappingKey mapping{inside, arrival.egress.address};
    flow.holds_mapping = state.mappings.find(mapping) != nullptr;
    if (flow.holds_mapping) state.mappings.hold(mapping, now + mapping_time, now, decision.changes);
    flow.touched = now;
    state.flows.see({Transport::tcp, key.phone, key.peer}, arrival.from, FlowKind::unknown, now);
    step_.fresh = true;
    return true;
}

// The SYN of the other end. Who has answered already may do so with another number as long as nothing was
// said; whatever comes later is none of the connection's.
void Connections::answer(Connection& flow, Side from, const Segment& segment) {
    Direction& half = flow.half(from);
    Direction& first = flow.half(opposite(from));
    if (segment.acknowledgement != sequence(0, first.initial()) || first.received() > 0 ||
        half.received() > 0 || half.held_count() > 0)
        return;
    half.begin(segment.sequence, flow.editing);
    take_options(half, segment);
    // The windows of SYNs are not scaled (RFC 7323 2.2).
    first.acknowledged(0, segment.window);
    half.acknowledged(0, first.window);
    if (!segment.window_scale) first.window_scale = 0;
    half.sack = first.sack = half.sack && first.sack;
    half.timestamps = first.timestamps = half.timestamps && first.timestamps;
    // As they stand in all later segments.
    half.window = static_cast<std::uint16_t>(half.window >> half.window_scale);
    first.window = static_cast<std::uint16_t>(first.window >> first.window_scale);
}

// What the sender of this segment says to have of the other half. False: it has what we never saw.
bool Connections::note_acknowledgement(Connection& flow, Side from, const Segment& segment) {
    Direction& other = flow.half(opposite(from));
    if (!segment.has(Segment::ack) || !other.known()) return true;
    const SequenceMap& shift = other.shift();
    const Position sent = shift.out(other.sent());
    const Position out = position(segment.acknowledgement, other.initial(), sent);
    if (out > sent + 1) return false;
    if (out == sent + 1) other.fin = other.sent();  // it counts as one, also where an earlier daemon saw it
    const bool more =
        other.acknowledged(out, static_cast<std::uint32_t>(segment.window) << flow.half(from).window_scale);
    if (more && other.owes()) {
        // What got lost was not one segment alone: the next is sent again as soon as one has arrived.
        flow.send_again_at = flow.last_seen + (flow.sent_again ? Time{0} : send_again_first);
        flow.send_again_after = send_again_first;
    }
    if (other.owes() && out >= sent) flow.send_again_after = std::min(flow.send_again_after, send_again_last);
    return true;
}

// False: conntrack has to be looked through first.
bool Connections::read(State& state, const Arrival& arrival, Connection& flow, Time now, Decision& decision) {
    Direction& half = flow.half(arrival.from);
    const Position before = half.parsed();
    while (const auto read = half.next()) {
        switch (read->kind) {
            case sip::Kind::message:
            case sip::Kind::oversize:
                if (!read_message(state, arrival, *read, half, now, decision)) return false;
                break;
            case sip::Kind::keep_alive:
            case sip::Kind::stun: decision.reasons.push_back(reason_of(read->kind)); break;
            default:
                decision.reasons.push_back(reason_of(read->kind));
                // Bytes that are no SIP settle it for ever, whatever may follow (X5).
                half.stop_reading();
                if (!flow.from_phone.spoke_sip && !flow.from_peer.spoke_sip)
                    step_.kind = Step::Kind::unmodified;
                break;
        }
        note_flow(state, {Transport::tcp, step_.key.phone, step_.key.peer}, arrival.from,
                  decision.reasons.back(), read->bytes, now);
    }
    const bool last = half.fin && half.received() == *half.fin;
    const bool full = memory_ > policy_.max_stream_memory;
    if (half.parsed() < half.received() && (full || (last && flow.editing))) {
        half.let_through();
        decision.reasons.push_back(Reason::let_through);
        // To find the end of a message its bytes are kept though they have passed. That, too, has an end.
        if (!flow.editing || memory_ > 2 * policy_.max_stream_memory) half.stop_reading();
    }
    const bool matters = flow.editing && (flow.is_edited() || !half.planned().empty());
    if (matters && half.parsed() != before) store(state, flow, now, decision.changes);
    return true;
}

bool Connections::read_message(State& state, const Arrival& arrival, const Direction::Read& read,
                               Direction& half, Time now, Decision& decision) {
    sip::ParseError error = state.message.parse(read.bytes);
    if (read.kind == sip::Kind::oversize) {
        decision.reasons.push_back(Reason::oversize);
        // The head is there, and what is in it can be read where the body says nothing of it.
        if (error != sip::ParseError::truncated || sip::find_sdp(state.message).count > 0) return true;
        error = sip::ParseError::none;
    }
    if (error != sip::ParseError::none) {
        decision.reasons.push_back(reason_of(error));
        return true;
    }
    if (half.edit_count() >= Direction::max_edits) {
        decision.reasons.push_back(Reason::limit_reached);
        return true;
    }
    const bool outward = arrival.from == Side::inside;
    const Endpoint& source = outward ? step_.key.phone : step_.key.peer;
    const Endpoint& destination = outward ? step_.key.peer : step_.key.phone;
    decision.reason = Reason::unchanged;
    inspect_message(state,
                    {Transport::tcp, source, destination, arrival.from, arrival.egress, arrival.scanned}, now,
                    decision);
    if (decision.scan_first) return false;
    decision.reasons.push_back(std::exchange(decision.reason, Reason::segment));
    if (!std::exchange(decision.rewritten, false) || !policy_.edits) return true;
    state.edits.sort();
    for (const rewrite::Edit& edit : state.edits.planned())
        half.plan(read.begin + edit.offset, read.begin + edit.offset + edit.length, state.edits.text(edit));
    return true;
}

void Connections::store(State& state, Connection& flow, Time now, std::vector<Change>& changes) {
    if (flow.record_id == 0) flow.record_id = state.next_record++;
    flow.next_record = write_record(flow);
    store_record(flow.record_id, flow.record, flow.next_record, true, kept_for, changes);
    flow.next_told_at = flow.told_at;
    const bool moved = flow.from_phone.shift().length() + growth(flow.from_phone.planned()) != 0 ||
                       flow.from_peer.shift().length() + growth(flow.from_peer.planned()) != 0 ||
                       flow.from_phone.next_told() > 0 || flow.from_peer.next_told() > 0 ||
                       flow.told_at != Time{0};
    if (!moved || (flow.told_at != Time{0} && now - flow.told_at < renewed_every)) return;
    changes.push_back({flow.told_at == Time{0} ? Change::Op::add : Change::Op::renew,
                       SequenceMapped{flow.key.phone, flow.key.peer}, kept_for});
    flow.next_told_at = now;
}

void Connections::end(State& state, Connection& flow, Time now, std::vector<Change>& changes) {
    if (flow.record_id != 0) store_record(flow.record_id, flow.record, {}, false, Seconds{0}, changes);
    if (flow.told_at != Time{0})
        changes.push_back({Change::Op::remove, SequenceMapped{flow.key.phone, flow.key.peer}, Seconds{0}});
    if (flow.holds_mapping)
        state.mappings.release(nat::MappingKey{{Transport::tcp, flow.key.phone}, flow.egress.address}, now,
                               changes);
    ended_.push_back(flow.key);
}

bool Connections::restore(State& state, std::uint32_t id, const std::string& record, Time now,
                          std::vector<Change>& changes) {
    Connection flow;
    if (!read_record(record, flow)) return false;
    flow.record_id = id;
    flow.record = record;
    flow.last_seen = flow.touched = now;
    if (flow.is_shifted() || flow.from_phone.told() > 0 || flow.from_peer.told() > 0) flow.told_at = now;
    flow.torn = flow.from_phone.owes() || flow.from_peer.owes();
    const nat::MappingKey mapping{{Transport::tcp, flow.key.phone}, flow.egress.address};
    flow.holds_mapping = state.mappings.find(mapping) != nullptr;
    if (flow.holds_mapping) state.mappings.hold(mapping, now + mapping_time, now, changes);
    ++per_phone_[flow.key.phone.address];
    Connection& kept = flows_.insert_or_assign(flow.key, std::move(flow)).first->second;
    schedule(kept, now);
    return true;
}

void Connections::list(std::vector<Change>& changes) const {
    for (const auto& [key, flow] : flows_) {
        if (!flow.record.empty()) store_record(flow.record_id, {}, flow.record, false, kept_for, changes);
        if (flow.told_at != Time{0})
            changes.push_back({Change::Op::add, SequenceMapped{key.phone, key.peer}, kept_for});
    }
}

}  // namespace sipalg::tcp
