#include "alg/tcp/connections.hpp"

#include <algorithm>

#include "alg/core/state.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::tcp {

namespace {

using namespace std::chrono_literals;

// A sender that may have no more under way is told what has come; sooner than he would begin to send it again
// (RFC 6298: a second, in practice a fifth of one), later than the rest of most messages comes.
constexpr Time acknowledge_after = 20ms;
// How long the rest of a message may be on its way since its last bytes, and since its first.
constexpr Time patience = 10s;
constexpr Time longest_wait = 60s;
// A connection that both ends have closed may still have segments under way; one that was reset hardly.
constexpr Time closed_time = 120s;
constexpr Time reset_time = 5s;
constexpr Time refused_time = 60s;
// What conntrack keeps an idle connection for, by default.
constexpr Time idle_time = 5 * 24h;
// A phone that is gone without a word keeps its port no longer than that.
constexpr Time silent_time = 30min;

// What the kernel has now, as it was asked to, or still has.
void keep_record(Connection& flow, bool in_force) {
    if (in_force && !flow.next_record.empty()) {
        flow.record = flow.next_record;
        flow.told_at = flow.next_told_at;
    }
    flow.next_record.clear();
}

// What was taken over is sent again if it has not arrived by then.
void watch_arrival(Connection& flow, Time now) {
    if (flow.send_again_at != Time{0}) return;
    flow.send_again_after = send_again_first;
    flow.send_again_at = now + send_again_first;
}

// Only the very number that the other end expects ends a connection at once; any other is asked after, and
// then comes again with that one (RFC 5961 3.2). What it expects lies between what it has told and all there
// is.
bool is_believed_reset(const Direction& sender, const Carrier& carrier) {
    return carrier.begin >= sender.acknowledged_in() &&
           carrier.begin <= std::max(sender.received(), sender.sent()) + (sender.fin ? 1 : 0);
}

void release_held(Connection& flow, Output::Kind kind, std::vector<Output>& outputs) {
    for (Direction* half : {&flow.from_phone, &flow.from_peer})
        for (const Direction::Held& held : half->take_all())
            if (!held.passed) outputs.push_back({kind, held.carrier.token, {}, {}, {}});
}

}  // namespace

void Connections::weigh(Connection& flow) {
    const std::size_t weight = flow.memory();
    memory_ += weight - flow.weight;
    flow.weight = weight;
    held_ += flow.held_count() - flow.held;
    flow.held = flow.held_count();
}

void Connections::conclude(const Arrival& arrival, bool in_force, Time now, Decision& decision) {
    const auto kind = std::exchange(step_.kind, Step::Kind::none);
    std::vector<Output>& outputs = decision.outputs;
    for (const std::uint64_t token : orphans_)
        outputs.push_back({Output::Kind::drop, token, {}, {}, {}});
    orphans_.clear();
    conclude_taking_over(in_force, now, outputs);
    if (kind == Step::Kind::none) return;
    if (kind == Step::Kind::pass || kind == Step::Kind::drop) {
        const auto verdict = kind == Step::Kind::pass ? Output::Kind::pass : Output::Kind::drop;
        outputs.push_back({verdict, step_.carrier.token, {}, {}, {}});
        return;
    }
    if (kind == Step::Kind::syn && std::exchange(step_.fresh, false)) {
        if (!in_force) {
            outputs.push_back({Output::Kind::pass, step_.carrier.token, {}, {}, {}});
            return;
        }
        ++per_phone_[step_.key.phone.address];
        flows_.insert_or_assign(step_.key, std::move(step_.flow));
    }
    Connection* const found = find(step_.key);
    if (!found) return;
    Connection& flow = *found;
    switch (kind) {
        case Step::Kind::syn: ship_syn(flow, step_.carrier, outputs); break;
        case Step::Kind::data: conclude_data(flow, arrival.from, in_force, now, outputs); break;
        case Step::Kind::unmodified:
            conclude_data(flow, arrival.from, in_force, now, outputs);
            leave_untouched(flow, now, outputs);
            break;
        case Step::Kind::reset: {
            const Carrier& carrier = step_.carrier;
            if (!is_believed_reset(flow.half(arrival.from), carrier)) {
                ship(flow, arrival.from, carrier, {carrier.begin, carrier.segment.payload, true}, outputs);
                break;
            }
            release_held(flow, Output::Kind::drop, outputs);
            if (const auto load = flow.half(arrival.from).load(carrier))
                ship(flow, arrival.from, carrier, *load, outputs);
            else
                outputs.push_back({Output::Kind::drop, carrier.token, {}, {}, {}});
            flow.over = now + reset_time;
            break;
        }
        case Step::Kind::lost:
            if (flow.refused) {
                reset(flow, arrival.from, step_.carrier.segment, outputs);
                outputs.push_back({Output::Kind::drop, step_.carrier.token, {}, {}, {}});
            } else if (flow.needs_us()) {
                // Nobody can tell any more what stands for what: the ends begin anew.
                refuse(flow, now, outputs);
                outputs.push_back({Output::Kind::drop, step_.carrier.token, {}, {}, {}});
            } else {
                outputs.push_back({Output::Kind::pass, step_.carrier.token, {}, {}, {}});
                leave_untouched(flow, now, outputs);
            }
            break;
        case Step::Kind::pass:
        case Step::Kind::drop:
        case Step::Kind::none: break;
    }
    weigh(flow);
    schedule(flow, now);
}

void Connections::conclude_data(Connection& flow, Side from, bool in_force, Time now,
                                std::vector<Output>& outputs) {
    Direction& half = flow.half(from);
    keep_record(flow, in_force);
    half.settle(in_force);
    const Carrier& carrier = step_.carrier;
    if (flow.editing) {
        let_go(flow, from, &carrier, held_ < policy_.max_held_segments, outputs);
        // The receiver's answer may have made room for what waits the other way.
        let_go(flow, opposite(from), nullptr, true, outputs);
        const bool waits_behind_gap = half.has_gap() && carrier.end > half.received();
        const bool told_before = carrier.end > carrier.begin && carrier.end <= half.told();
        if (waits_behind_gap || told_before) acknowledge(flow, from, outputs);
    } else {
        outputs.push_back({Output::Kind::pass, carrier.token, {}, {}, {}});
        if (carrier.begin > half.received() && half.wants(carrier) && memory_ < policy_.max_stream_memory)
            half.hold(carrier, true);
        else if (carrier.begin > half.received())
            half.stop_reading();
        half.pass_everything();
    }
    if (half.waits()) {
        if (flow.waiting_since == Time{0}) flow.waiting_since = now;
        if (carrier.end > carrier.begin) flow.progress = now;
        if (flow.acknowledge_at == Time{0}) flow.acknowledge_at = now + acknowledge_after;
    } else if (!flow.half(opposite(from)).waits()) {
        flow.waiting_since = flow.acknowledge_at = Time{0};
    }
    if (!flow.from_phone.owes() && !flow.from_peer.owes()) {
        flow.send_again_at = Time{0};
        flow.sent_again = false;
    } else {
        watch_arrival(flow, now);
    }
    if (flow.from_phone.fin && flow.from_peer.fin)
        flow.over = now + closed_time;
    else if (carrier.end > carrier.begin)
        flow.over = Time{0};
}

// The kernel keeps what a later daemon has to know before a sender is told to forget his bytes.
void Connections::conclude_taking_over(bool in_force, Time now, std::vector<Output>& outputs) {
    for (const ConnectionKey& key : taking_over_) {
        Connection* const flow = find(key);
        if (!flow) continue;
        keep_record(*flow, in_force);
        for (const Side sender : {Side::inside, Side::outside}) {
            Direction& half = flow->half(sender);
            if (half.next_told() == half.told()) continue;
            if (!in_force) {
                half.cancel_take_over();
                continue;
            }
            half.confirm_take_over();
            acknowledge(*flow, sender, outputs);
            watch_arrival(*flow, now);
        }
        schedule(*flow, now);
    }
    taking_over_.clear();
}

// It was no SIP, or is no longer known: what waits passes, what comes is not looked at.
void Connections::leave_untouched(Connection& flow, Time now, std::vector<Output>& outputs) {
    release_held(flow, Output::Kind::pass, outputs);
    flow.unmodified = true;
    flow.over = now;
}

// The ends have to begin anew. Whoever has not heard it is told again when he speaks.
void Connections::refuse(Connection& flow, Time now, std::vector<Output>& outputs) {
    reset(flow, outputs);
    release_held(flow, Output::Kind::drop, outputs);
    flow.refused = true;
    flow.torn = false;
    flow.send_again_at = flow.acknowledge_at = Time{0};
    flow.over = now + refused_time;
}

void Connections::schedule(Connection& flow, Time now) {
    Time due = flow.last_seen + idle_time;
    if (flow.over != Time{0}) due = std::min(due, flow.over);
    if (flow.torn) due = now;
    if (flow.acknowledge_at != Time{0}) due = std::min(due, flow.acknowledge_at);
    if (flow.send_again_at != Time{0}) due = std::min(due, flow.send_again_at);
    if (flow.holds_mapping && flow.last_seen + silent_time > now)
        due = std::min(due, flow.touched + mapping_time / 2);
    if (flow.due != Time{0} && flow.due <= due) return;  // the queue names it early enough
    flow.due = due;
    deadlines_.add(due, flow.key);
}

void Connections::attend(State& state, Connection& flow, Time now, Decision& decision) {
    const bool again = flow.send_again_at != Time{0} && now >= flow.send_again_at;
    if (flow.torn || (again && flow.send_again_after > send_again_last)) {
        refuse(flow, now, decision.outputs);
        return;
    }
    if (flow.acknowledge_at != Time{0} && now >= flow.acknowledge_at)
        give_up_or_take_over(state, flow, now, decision);
    if (again) {
        for (const Side sender : {Side::inside, Side::outside}) {
            if (const auto load = flow.half(sender).again(flow.half(opposite(sender)).mss)) {
                ship(flow, sender, *load, decision.outputs);
                flow.sent_again = true;
            } else if (flow.half(sender).owes()) {
                probe(flow, sender, decision.outputs);
            }
        }
        flow.send_again_after *= 2;
        flow.send_again_at = now + flow.send_again_after;
    }
    if (flow.holds_mapping && now >= flow.touched + mapping_time / 2 && flow.last_seen + silent_time > now) {
        const nat::MappingKey mapping{{Transport::tcp, flow.key.phone}, flow.egress.address};
        state.mappings.extend(mapping, now + mapping_time, now, decision.changes);
        flow.touched = now;
    }
    weigh(flow);
}

// The rest of a message has not come yet.
void Connections::give_up_or_take_over(State& state, Connection& flow, Time now, Decision& decision) {
    bool takes_over = false, waits = false;
    for (const Side sender : {Side::inside, Side::outside}) {
        Direction& half = flow.half(sender);
        if (!half.waits()) continue;
        if (now - flow.progress >= patience || now - flow.waiting_since >= longest_wait) {
            half.let_through();
            half.settle(false);
            let_go(flow, sender, nullptr, true, decision.outputs);
            decision.reasons.push_back(Reason::let_through);
            continue;
        }
        waits = true;
        // Not what waits for the receiver to read; and what is under way is the sender's to send again.
        const bool incomplete = half.sent() >= half.parsed() && half.parsed() < half.received();
        const bool all_arrived = half.acknowledged_in() >= half.sent() || half.owes();
        if (half.told() == half.received() || !incomplete || !all_arrived || !may_make(flow)) continue;
        half.take_over();
        takes_over = true;
    }
    if (takes_over) {
        store(state, flow, now, decision.changes);
        taking_over_.push_back(flow.key);
    }
    flow.acknowledge_at = waits ? now + acknowledge_after : Time{0};
    if (!waits) flow.waiting_since = Time{0};
}

void Connections::expire(State& state, Time now, Decision& decision) {
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto key = deadlines_.due(now);
        if (!key) break;
        Connection* const flow = find(*key);
        if (!flow) continue;
        flow->due = Time{0};
        const bool over = flow->over != Time{0} && now >= flow->over;
        if (over || now >= flow->last_seen + idle_time) {
            release_held(*flow, Output::Kind::drop, decision.outputs);
            end(state, *flow, now, decision.changes);
            continue;
        }
        attend(state, *flow, now, decision);
        schedule(*flow, now);
    }
}

void Connections::end_shifted(Time now, Decision& decision) {
    for (auto& [key, flow] : flows_) {
        if (flow.unmodified || flow.refused || !flow.needs_us()) continue;
        refuse(flow, now, decision.outputs);
        schedule(flow, now);
    }
}

void Connections::commit() {
    deadlines_.commit();
    for (const ConnectionKey& key : ended_) {
        const auto it = flows_.find(key);
        if (it == flows_.end()) continue;
        for (Direction* half : {&it->second.from_phone, &it->second.from_peer})
            for (const Direction::Held& held : half->take_all())
                if (!held.passed) orphans_.push_back(held.carrier.token);
        memory_ -= it->second.weight;
        held_ -= it->second.held;
        const auto count = per_phone_.find(key.phone.address);
        if (count != per_phone_.end() && --count->second == 0) per_phone_.erase(count);
        flows_.erase(it);
    }
    ended_.clear();
}

void Connections::cancel() {
    deadlines_.cancel();
    ended_.clear();
}

}  // namespace sipalg::tcp
