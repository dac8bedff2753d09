#include "alg/tcp/connections.hpp"

#include <algorithm>

#include "alg/policy/timing.hpp"
#include "alg/tcp/classify.hpp"
#include "alg/tcp/conclude.hpp"
#include "alg/tcp/emit.hpp"
#include "alg/tcp/message_reader.hpp"
#include "alg/tcp/read_record.hpp"
#include "alg/tcp/timers.hpp"

namespace sipalg::tcp {

namespace {

// The NAT mapping of a silent phone is refreshed for at most this time.
constexpr Time silent_time{30 * 60 * 1000};
// P4: the most that a copy may have, so that it costs about as much as one transaction.
constexpr std::size_t most_edits_to_copy = 512, most_bytes_to_copy = 16384;

}  // namespace

const Connection* Connections::find(const ConnectionKey& key) const {
    const auto it = connections_.find(key);
    return it == connections_.end() || it->second.phase() == Phase::unread ? nullptr : &it->second;
}

Connection* Connections::lookup(const ConnectionKey& key) {
    const auto it = connections_.find(key);
    return it == connections_.end() ? nullptr : &it->second;
}

// T1 T4: a connection is read from its SYN on.
Step Connections::arrive(const ArrivedPacket& arrived, MessageSink& sink, Time now, Staged staged) {
    Step step;
    const auto segment = parse_segment(arrived.bytes, arrived.packet);
    if (!segment) return step;
    step.from = arrived.from;
    step.key = arrived.from == Side::inside
                   ? ConnectionKey{arrived.packet.source, arrived.packet.destination}
                   : ConnectionKey{arrived.packet.destination, arrived.packet.source};
    step.carrier = {arrived.token, arrived.bytes, *segment, 0, 0};
    if (segment->has(Segment::syn)) {
        arrive_syn(arrived, *segment, sink, now, staged, step);
        return step;
    }
    Connection* const connection = lookup(step.key);
    if (!connection || connection->phase() == Phase::unread) return step;
    step.carrier.begin = connection->direction(step.from).at(segment->sequence);
    step.carrier.end = step.carrier.begin + static_cast<Position>(segment->payload.size());
    step.action = classify(*connection, step.from, step.carrier);
    step.is_read = step.action != Step::Action::none;
    if (step.is_read) step.reason = Reason::segment;
    if (step.action == Step::Action::refuse) step.reason = Reason::stream_lost;
    if (step.action != Step::Action::data) return step;
    Direction& direction = connection->direction(step.from);
    const Carrier& carrier = step.carrier;
    connection->note_header(step.from, *segment, now);
    // X7: after a local acknowledgement the sender never retransmits, so its bytes are kept until the
    // receiver acknowledges them. Beyond the limit new bytes are dropped, and the sender retransmits those. A
    // phone at its share may still complete the messages that it has begun, so the limit is higher than the
    // share.
    const bool too_many =
        carrier.end > direction.acknowledged_in() + static_cast<Position>(policy_.max_undelivered);
    if (direction.has_undelivered() && carrier.end > direction.received() &&
        (too_many || usage_.is_exhausted(step.key.phone.address))) {
        step.action = Step::Action::drop;
        return step;
    }
    direction.checkpoint();
    direction.receive(carrier.begin, segment->payload, segment->is_fin());
    read(*connection, arrived.answered, sink, now, staged, step);
    return step;
}

void Connections::read(Connection& connection, bool answered, MessageSink& sink, Time now, Staged staged,
                       Step& step) {
    Direction& direction = connection.direction(step.from);
    const Position before = direction.parsed();
    const auto outcome = MessageReader(connection, step.from, answered, sink, now, staged.reasons).read();
    if (outcome == MessageReader::Outcome::ask_first) {
        direction.rewind();
        step.action = Step::Action::none;
        step.is_read = false;
        step.ask_first = true;
        return;
    }
    if (outcome == MessageReader::Outcome::not_sip) step.action = Step::Action::stop_reading;
    const bool last = direction.fin && direction.received() == *direction.fin;
    const bool full = usage_.is_full(step.key.phone.address);
    if (direction.parsed() < direction.received() && (full || (last && connection.editing))) {
        direction.pass_incomplete();
        staged.reasons.push_back(Reason::let_through);
        // The bytes are only kept to find the end of the message, which has a limit too (X7).
        if (!connection.editing || usage_.is_exhausted(step.key.phone.address)) direction.stop_reading();
    }
    const bool edited = connection.editing && (connection.was_edited() || !direction.planned().empty());
    if (edited && direction.parsed() != before)
        connection.record.update(connection, sink, now, staged.changes);
}

void Connections::arrive_syn(const ArrivedPacket& arrived, const Segment& segment, MessageSink& sink,
                             Time now, Staged staged, Step& step) {
    Connection* const connection = lookup(step.key);
    const bool answers = segment.has(Segment::ack);
    const bool repeated = connection && connection->direction(arrived.from).known() &&
                          connection->direction(arrived.from).initial() == segment.sequence;
    if (answers && connection && !repeated) {
        const auto& claim = connection->claim;
        if (claim && claim->from != arrived.from && segment.acknowledgement == claim->syn.sequence + 1) {
            end(*connection, sink, now, staged, step);
            open(claim->from, claim->syn, arrived.egress, sink, now, staged, step);
            if (step.opening) step.opening->answer = segment;
            return;
        }
        connection->answer(arrived.from, segment);
    } else if (!answers && !repeated) {
        if (!connection || !connection->is_live()) {
            if (connection) end(*connection, sink, now, staged, step);
            open(arrived.from, segment, arrived.egress, sink, now, staged, step);
            return;
        }
        connection->claim = {arrived.from, segment};
        connection->claim->syn.payload = {};
    }
    if (!connection || connection->phase() == Phase::unread || connection->phase() == Phase::refused) return;
    step.is_read = true;
    step.action = Step::Action::syn;
    step.reason = Reason::segment;
}

// Begins a connection with the SYN `syn` of `from` if it can be read.
void Connections::open(Side from, const Segment& syn, const Egress& egress, MessageSink& sink, Time now,
                       Staged staged, Step& step) {
    // The packet passes, but those queued in a connection that ends with it need verdicts.
    step.is_read = !step.ended.empty();
    if (step.is_read) step.action = Step::Action::pass;
    const Endpoint& phone = step.key.phone;
    if (syn.authenticated || egress.address.family() != phone.address.family()) return;
    step.reason = Reason::limit_reached;
    if (!make_room(from, sink, now, staged, step)) return;
    // The phone's messages name its port, so the mapping must exist before conntrack chooses a port.
    if (from == Side::inside && !sink.map(phone, egress, now)) return;
    step.reason = Reason::segment;
    step.is_read = true;
    step.action = Step::Action::syn;
    Opening& opening = step.opening.emplace();
    opening = {step.key, egress, policy_.edits && egress.address != phone.address, false, from, syn, {}};
    opening.syn.payload = {};
    opening.maps_phone = sink.acquire(phone, egress, now + mapping_time, now, staged.changes);
    sink.note_opened(step.key, from, now);
}

// X7: at the limit of a phone, the oldest half-open connection of the opener is removed, so that forged SYNs
// cannot prevent the phone from calling; at the total limit, the oldest one of the host with the most.
bool Connections::make_room(Side opener, MessageSink& sink, Time now, Staged staged, Step& step) const {
    const Address& phone = step.key.phone.address;
    const bool replaces = !step.ended.empty();  // one connection makes room for its successor
    std::optional<ConnectionKey> victim;
    if (!replaces && !usage_.has_room(phone))
        victim = half_open_.oldest_of(host_of(step.key, opener));
    else if ((!replaces && !usage_.may_open(phone)) || half_open_.size() >= policy_.max_half_open_streams)
        victim = half_open_.oldest_of_largest();
    else
        return true;
    if (!victim || (!replaces && !usage_.has_room(phone) && victim->phone.address != phone)) return false;
    if (!(*victim == step.key)) end(connections_.at(*victim), sink, now, staged, step);
    return true;
}

Address Connections::host_of(const ConnectionKey& key, Side opener) const {
    return opener == Side::inside ? hosts_.of(key.phone.address) : sipalg::host_of(key.peer.address);
}

void Connections::end(const Connection& connection, MessageSink& sink, Time now, Staged staged,
                      Step& step) const {
    connection.record.remove(connection.key, staged.changes);
    if (connection.mapping_refreshed)
        sink.release(connection.key.phone, connection.egress, now, staged.changes);
    step.ended.push_back(connection.key);
}

bool Connections::is_kept(const ConnectionKey& key) const {
    return std::any_of(kept_.begin(), kept_.end(), [&](const Connection& kept) { return kept.key == key; });
}

bool Connections::can_stage(const ConnectionKey& key, Bytes bytes, const Packet& packet) const {
    const auto it = connections_.find(key);
    if (it == connections_.end()) return false;
    const Connection& connection = it->second;
    const std::size_t edits = connection.from_phone.edit_count() + connection.from_peer.edit_count();
    const bool is_copied_easily = connection.phase() == Phase::open && !connection.claim &&
                                  connection.memory() <= most_bytes_to_copy && edits <= most_edits_to_copy;
    if (!is_copied_easily && !is_kept(key)) return false;
    const auto segment = parse_segment(bytes, packet);
    return segment && (segment->flags & (Segment::syn | Segment::fin | Segment::rst)) == 0;
}

void Connections::keep(const ConnectionKey& key) {
    if (!is_kept(key)) kept_.push_back(connections_.at(key));
}

// A group forgets no connection, so each one that was kept is still there.
void Connections::cancel() {
    for (Connection& kept : kept_) {
        const auto it = connections_.find(kept.key);
        usage_.change(kept.key.phone.address, it->second.counted, kept.counted);
        connections_.erase(it);
        connections_.try_emplace(kept.key, std::move(kept));
    }
    kept_.clear();
    deadlines_.cancel();
}

// A conclusion is final, even if the next transaction is cancelled.
void Connections::conclude(const Step& step, bool in_force, Time now, std::vector<Output>& outputs) {
    carry_out(step, in_force, now, outputs);
    deadlines_.commit();
}

void Connections::carry_out(const Step& step, bool in_force, Time now, std::vector<Output>& outputs) {
    if (in_force)
        for (const ConnectionKey& key : step.ended)
            forget(key, outputs);
    for (const ConnectionKey& key : step.acknowledged)
        if (Connection* const connection = lookup(key)) {
            conclude_local_ack(*connection, in_force, now, outputs);
            schedule(*connection, now);
        }
    if (step.action == Step::Action::none) return;
    const bool passes = step.action == Step::Action::pass || (step.opening && !in_force);
    if (passes || step.action == Step::Action::drop) {
        const auto verdict = passes ? Output::Kind::pass : Output::Kind::drop;
        outputs.push_back({verdict, step.carrier.token, {}, {}, {}});
        return;
    }
    if (step.opening) {
        connections_.try_emplace(step.key, *step.opening, now);
        half_open_.add(step.key, host_of(step.key, step.opening->from));
    }
    Connection* const connection = lookup(step.key);
    if (!connection) return;
    const Address& phone = step.key.phone.address;
    conclude_packet(step, *connection, in_force, {usage_.may_queue(phone), !usage_.is_full(phone)}, now,
                    outputs);
    if (connection->phase() != Phase::opening) half_open_.remove(step.key);
    account(*connection);
    schedule(*connection, now);
}

Step Connections::expire(MessageSink& sink, Time now, Staged staged, std::vector<Output>& outputs) {
    Step step;
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto key = deadlines_.take_due(now);
        if (!key) break;
        Connection* const connection = lookup(*key);
        if (!connection) continue;
        if (now >= connection->forget_at()) {
            end(*connection, sink, now, staged, step);
            continue;
        }
        run_timers(*connection, sink, now, staged, step, outputs);
        schedule(*connection, now);
    }
    return step;
}

void Connections::run_timers(Connection& connection, MessageSink& sink, Time now, Staged staged, Step& step,
                             std::vector<Output>& outputs) {
    if (tcp::run_timers(connection, now, staged.reasons, outputs)) {
        connection.record.update(connection, sink, now, staged.changes);
        step.acknowledged.push_back(connection.key);
    }
    if (connection.mapping_refreshed && now >= *connection.mapping_refreshed + mapping_time / 2 &&
        connection.last_seen + silent_time > now) {
        sink.refresh(connection.key.phone, connection.egress, now + mapping_time, now, staged.changes);
        connection.mapping_refreshed = now;
    }
    account(connection);
}

void Connections::schedule(const Connection& connection, Time now) {
    Time due = connection.forget_at();
    if (connection.phase() == Phase::bytes_lost) due = now;
    if (const auto timer = next_timer(connection)) due = std::min(due, *timer);
    if (connection.mapping_refreshed && connection.last_seen + silent_time > now)
        due = std::min(due, *connection.mapping_refreshed + mapping_time / 2);
    deadlines_.schedule(connection.key, due);
}

void Connections::account(Connection& connection) {
    const Usage::Counts now{1, connection.memory(), connection.queued_count()};
    usage_.change(connection.key.phone.address, connection.counted, now);
    connection.counted = now;
}

void Connections::forget(const ConnectionKey& key, std::vector<Output>& outputs) {
    const auto it = connections_.find(key);
    if (it == connections_.end()) return;
    emit_queued(it->second, Output::Kind::drop, outputs);
    usage_.change(key.phone.address, it->second.counted, {});
    half_open_.remove(key);
    deadlines_.erase(key);
    connections_.erase(it);
}

void Connections::reset_moved(Time now, std::vector<Output>& outputs) {
    for (auto& [key, connection] : connections_) {
        const bool final = connection.phase() == Phase::unread || connection.phase() == Phase::refused;
        if (final || !connection.needs_us()) continue;
        refuse(connection, now, outputs);
        account(connection);
        schedule(connection, now);
    }
    deadlines_.commit();
}

bool Connections::restore(const StoredRecord& record, MessageSink& sink, Time now,
                          std::vector<Change>& changes) {
    auto read = read_record(record.bytes, now);
    if (!read || connections_.contains(read->key)) return false;
    read->record = ConnectionRecord(
        record, read->needs_us() || read->from_phone.local_ack() > 0 || read->from_peer.local_ack() > 0, now);
    if (read->has_undelivered()) read->enter(Phase::bytes_lost, now);
    if (sink.acquire(read->key.phone, read->egress, now + mapping_time, now, changes))
        read->mapping_refreshed = now;
    const ConnectionKey key = read->key;
    Connection& connection = connections_.try_emplace(key, std::move(*read)).first->second;
    account(connection);
    schedule(connection, now);
    return true;
}

void Connections::list(std::vector<Change>& changes) const {
    for (const auto& [key, connection] : connections_)
        if (connection.phase() != Phase::refused) connection.record.list(key, changes);
}

std::size_t Connections::largest_undelivered() const {
    std::size_t most = 0;
    for (const auto& [key, connection] : connections_)
        most = std::max({most, connection.from_phone.undelivered(), connection.from_peer.undelivered()});
    return most;
}

}  // namespace sipalg::tcp
