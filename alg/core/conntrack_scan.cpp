#include "alg/core/conntrack_scan.hpp"

#include <algorithm>

#include "alg/policy/timing.hpp"

namespace sipalg {

bool ConntrackScan::idle() const {
    return mappings_.all().size() == 0 && mappings_.existing_nat().empty();
}

bool ConntrackScan::wanted(Time now) const {
    return mappings_.changed() || calls_.wants_audio_check(now) || (now >= next_ && !idle()) ||
           silence_due(now) || question_due(now);
}

// One scan answers for all calls that have become silent since the last one.
bool ConntrackScan::silence_due(Time now) const {
    return calls_.wants_whole_scan() && now >= whole_begun_ + whole_scan_pause;
}

// A phone may repeat a message that names an unknown public port as often as it likes.
bool ConntrackScan::question_due(Time now) const {
    return unanswered_ && now >= whole_begun_ + scan_interval;
}

Extent ConntrackScan::extent(Time now) const {
    const bool whole =
        is_first_ || whole_needed_ || old_flows_possible() || silence_due(now) || question_due(now);
    return whole ? Extent::whole : Extent::own;
}

void ConntrackScan::begin(Time now, Extent extent) {
    extent_ = extent;
    if (extent == Extent::whole) {
        whole_begun_ = now;
        whole_needed_ = unanswered_ = false;
    }
    hosts_.clear();
    if (extent == Extent::whole)
        for (const auto& [key, entry] : mappings_.all())
            hosts_.insert(key.inside.endpoint.address);
    mappings_.existing_nat().begin();
    calls_.audio().begin();
    begun_ = now;
    renumbered_at_begin_ = renumbered_;
    const nat::Mappings::Closed closed = mappings_.take_closed();
    closed_.insert(closed.mappings.begin(), closed.mappings.end());
    closed_pinholes_.insert(closed.pinholes.begin(), closed.pinholes.end());
    next_ = now + scan_interval;
}

namespace {

call::PacketCount count(const ConntrackEntry& flow, Side begun) {
    const bool by_phone = begun == Side::inside;
    if (!flow.counted) {
        const std::uint64_t replied = flow.replied ? 1 : 0;
        return {by_phone ? 1 : replied, by_phone ? replied : 1, false};
    }
    return {by_phone ? flow.original_packets : flow.reply_packets,
            by_phone ? flow.reply_packets : flow.original_packets, true};
}

}  // namespace

// Whether to keep or delete a flow with these ends; nullopt: it does not belong to a mapping of the ALG.
std::optional<ConntrackScan::Disposition> ConntrackScan::judge(const Mapping& seen, Side begun,
                                                               const ConntrackEntry& flow, Time now) {
    const nat::MappingKey key{{seen.transport, seen.inside}, seen.outside.address};
    const nat::MappingEntry* entry = mappings_.find(key);
    const bool open = entry && entry->kernel_until > now && !entry->is_kept_for_calls();
    if (!open || entry->mapping.outside.port != seen.outside.port) {
        // A flow of the phone at another port is older than the mapping. A flow of a peer may belong to
        // another mapping. A TCP connection cannot change its port, so it stays.
        const bool ours =
            closed_.contains(seen) || (open && begun == Side::inside && seen.transport == Transport::udp);
        return ours ? std::optional(Disposition::erase) : std::nullopt;
    }
    mappings_.note_flow(key, now - std::min(Time{flow.idle}, now));
    if (entry->users > 0) calls_.audio().note(key, count(flow, begun));
    return Disposition::keep;
}

// Whether the remote address may no longer send: neither its own pinhole is open nor one for all addresses.
bool ConntrackScan::has_closed(const Pinhole& pinhole) const {
    const Pinhole for_all{pinhole.transport, {}, pinhole.outside};
    return (closed_pinholes_.contains(pinhole) || closed_pinholes_.contains(for_all)) &&
           !mappings_.pinholes().find(pinhole) && !mappings_.pinholes().find(for_all);
}

// Whether the pinhole for `remote` was closed while the mapping stays for another stream or call. Flows of a
// mapping that signalling still uses are kept, because late responses arrive through them.
bool ConntrackScan::was_closed(const Mapping& mapping, const Address& remote, Time now) const {
    if (!has_closed({mapping.transport, remote, mapping.outside})) return false;
    const nat::MappingEntry* entry =
        mappings_.find(nat::MappingKey{{mapping.transport, mapping.inside}, mapping.outside.address});
    return entry && entry->idle_until <= now;
}

// Notes a flow of the owner's NAT, either outward or through a port forward. Flows without translation are
// ignored.
void ConntrackScan::note_existing_nat(const ConntrackEntry& flow, const Mapping& outward,
                                      const Mapping& inward) {
    const auto& ports = policy_.sip_ports;
    const bool signalling = std::find(ports.begin(), ports.end(), flow.reply_source.port) != ports.end();
    if (outward.inside != outward.outside)
        mappings_.existing_nat().note(outward, true, signalling);
    else if (inward.inside != inward.outside)
        mappings_.existing_nat().note(inward, false, false);
}

// X11, C12: peers that answered while no daemon ran, or before it was killed. Later packets prove their pairs
// when they arrive.
void ConntrackScan::note_proof(const ConntrackEntry& flow, Time now) {
    if (!is_first_ || !flow.replied) return;
    const auto& ports = policy_.sip_ports;
    if (std::find(ports.begin(), ports.end(), flow.original_destination.port) == ports.end()) return;
    const nat::PhonePeer pair{flow.original_source.address, flow.original_destination.address};
    proofs_.note(pair, now - std::min(Time{flow.idle}, now), now);
}

bool ConntrackScan::follows(const ConntrackEntry& flow) const {
    return extent_ == Extent::own || hosts_.contains(flow.original_source.address) ||
           hosts_.contains(flow.reply_source.address);
}

void ConntrackScan::abandon() {
    next_ = Time{0};
    // X8: without a readable table, calls still end.
    if (extent_ == Extent::whole) calls_.note_scan(begun_, true);
    need_whole();
}

bool ConntrackScan::entry(const ConntrackEntry& flow, Time now) {
    note_proof(flow, now);
    const auto& ports = policy_.sip_ports;
    if (std::find(ports.begin(), ports.end(), flow.original_destination.port) != ports.end())
        hosts_.insert(flow.original_source.address);
    // Opened by the phone: the reply direction has the public endpoint.
    const Mapping outward{flow.transport, flow.original_source, flow.reply_destination};
    if (const auto verdict = judge(outward, Side::inside, flow, now))
        return *verdict == Disposition::erase || was_closed(outward, flow.original_destination.address, now);
    // Opened by the peer, through a pinhole that may be closed by now.
    const Mapping inward{flow.transport, flow.reply_source, flow.original_destination};
    const auto verdict = judge(inward, Side::outside, flow, now);
    if (!verdict) note_existing_nat(flow, outward, inward);
    if (verdict != Disposition::keep) return verdict == Disposition::erase;
    // Other flows to the same endpoint, such as those of the owner's port forwards, are kept.
    return has_closed({flow.transport, flow.original_source.address, flow.original_destination});
}

std::vector<Event> ConntrackScan::end() {
    closed_.clear();
    closed_pinholes_.clear();
    is_first_ = false;
    proofs_.commit();
    if (extent_ == Extent::whole) renumbered_and_scanned_ = renumbered_at_begin_;
    calls_.note_scan(begun_, extent_ == Extent::whole);
    mappings_.existing_nat().end();
    calls_.audio().end(begun_, [&](const nat::MappingKey& key) {
        const nat::MappingEntry* entry = mappings_.find(key);
        return entry && entry->users > 0;
    });
    std::vector<Event> events;
    calls_.check_audio(begun_, events);
    return events;
}

}  // namespace sipalg
