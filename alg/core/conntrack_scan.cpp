#include "alg/core/conntrack_scan.hpp"

#include <algorithm>

#include "alg/policy/timing.hpp"

namespace sipalg {

bool ConntrackScan::idle() const {
    return mappings_.all().size() == 0 && mappings_.existing_nat().empty();
}

bool ConntrackScan::wanted(Time now) const {
    return mappings_.changed() || calls_.wants_audio_check(now) || (now >= next_ && !idle());
}

void ConntrackScan::begin(Time now) {
    mappings_.existing_nat().begin();
    audio_.begin();
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

// What is to become of a flow with these ends; nullopt: it is none of our mappings'.
std::optional<ConntrackScan::Disposition> ConntrackScan::judge(const Mapping& seen, Side begun,
                                                               const ConntrackEntry& flow, Time now) {
    const nat::MappingKey key{{seen.transport, seen.inside}, seen.outside.address};
    const nat::MappingEntry* entry = mappings_.find(key);
    const bool open = entry && entry->kernel_until > now;
    if (!open || entry->mapping.outside.port != seen.outside.port) {
        // The phone's own flow under another port is older than the mapping; a peer's may be somebody else's.
        // A connection can't begin anew, it keeps its port.
        const bool ours =
            closed_.contains(seen) || (open && begun == Side::inside && seen.transport == Transport::udp);
        return ours ? std::optional(Disposition::erase) : std::nullopt;
    }
    mappings_.note_flow(key, now - std::min(Time{flow.idle}, now));
    if (entry->users > 0) audio_.note(key, count(flow, begun));
    return Disposition::keep;
}

// Whoever could send through `pinhole` no longer can, neither by it nor by one for everybody.
bool ConntrackScan::has_closed(const Pinhole& pinhole) const {
    const Pinhole for_all{pinhole.transport, {}, pinhole.outside};
    return (closed_pinholes_.contains(pinhole) || closed_pinholes_.contains(for_all)) &&
           !mappings_.pinholes().find(pinhole) && !mappings_.pinholes().find(for_all);
}

// The mapping is still there, for another stream or call, but this peer's pinhole has gone. Where signalling
// goes on, flows of the phone's own are left: late responses come through them.
bool ConntrackScan::was_closed(const Mapping& mapping, const Address& remote, Time now) const {
    if (!has_closed({mapping.transport, remote, mapping.outside})) return false;
    const nat::MappingEntry* entry =
        mappings_.find(nat::MappingKey{{mapping.transport, mapping.inside}, mapping.outside.address});
    return entry && entry->idle_until <= now;
}

// A flow that the owner's NAT carries, outward or by a port forwarding; many are not translated at all.
void ConntrackScan::note_existing_nat(const ConntrackEntry& flow, const Mapping& outward,
                                      const Mapping& inward) {
    const auto& ports = policy_.sip_ports;
    const bool signalling = std::find(ports.begin(), ports.end(), flow.reply_source.port) != ports.end();
    if (outward.inside != outward.outside)
        mappings_.existing_nat().note(outward, true, signalling);
    else if (inward.inside != inward.outside)
        mappings_.existing_nat().note(inward, false, false);
}

bool ConntrackScan::entry(const ConntrackEntry& flow, Time now) {
    // The phone began it: the answers go to the public endpoint.
    const Mapping outward{flow.transport, flow.original_source, flow.reply_destination};
    if (const auto verdict = judge(outward, Side::inside, flow, now))
        return *verdict == Disposition::erase || was_closed(outward, flow.original_destination.address, now);
    // The peer began it, through a pinhole that may have closed since.
    const Mapping inward{flow.transport, flow.reply_source, flow.original_destination};
    const auto verdict = judge(inward, Side::outside, flow, now);
    if (!verdict) note_existing_nat(flow, outward, inward);
    if (verdict != Disposition::keep) return verdict == Disposition::erase;
    // Others' flows to the same endpoint, such as those of the owner's own port forwarding, are not ours to
    // end.
    return has_closed({flow.transport, flow.original_source.address, flow.original_destination});
}

std::vector<Event> ConntrackScan::end() {
    closed_.clear();
    closed_pinholes_.clear();
    renumbered_and_scanned_ = renumbered_at_begin_;
    mappings_.existing_nat().end();
    audio_.end(begun_, [&](const nat::MappingKey& key) {
        const nat::MappingEntry* entry = mappings_.find(key);
        return entry && entry->users > 0;
    });
    std::vector<Event> events;
    calls_.check_audio(audio_, begun_, events);
    return events;
}

}  // namespace sipalg
