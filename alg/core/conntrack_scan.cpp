// Sweeps of conntrack: flows that outlive their mapping are found, calls that still have media, or only from
// one side, and what the owner's NAT maps (C6, C7, C12, O5).
#include <algorithm>

#include "alg/core/state.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg {

bool State::idle() const {
    return impl_->mappings.all().size() == 0 && impl_->mappings.existing_nat().empty();
}

bool State::scan_wanted(Time now) const {
    return impl_->mappings.touched() || impl_->calls.wants_listening(now) ||
           (now >= impl_->next_look && !idle());
}

void State::begin_scan(Time now) {
    impl_->mappings.existing_nat().begin();
    impl_->audibility.begin();
    impl_->scan_begun = now;
    impl_->renumbered_at_scan = impl_->renumbered;
    const nat::Mappings::Closed closed = impl_->mappings.take_closed();
    impl_->closed.insert(closed.mappings.begin(), closed.mappings.end());
    impl_->closed_pinholes.insert(closed.pinholes.begin(), closed.pinholes.end());
    impl_->next_look = now + scan_interval;
}

namespace {

enum class Verdict : std::uint8_t { keep, erase };

call::PacketCount count(const ConntrackEntry& flow, Side begun) {
    const bool by_phone = begun == Side::inside;
    if (!flow.counted) {
        const std::uint64_t replied = flow.replied ? 1 : 0;
        return {by_phone ? 1 : replied, by_phone ? replied : 1, false};
    }
    return {by_phone ? flow.original_packets : flow.reply_packets,
            by_phone ? flow.reply_packets : flow.original_packets, true};
}

// What is to become of a flow with these ends; nullopt: it is none of our mappings'.
std::optional<Verdict> judge(State::Impl& state, const Mapping& seen, Side begun, const ConntrackEntry& flow,
                             Time now) {
    const nat::MappingKey key{{seen.transport, seen.inside}, seen.outside.address};
    const nat::MappingEntry* entry = state.mappings.find(key);
    const bool open = entry && entry->kernel_until > now;
    if (!open || entry->mapping.outside.port != seen.outside.port) {
        // The phone's own flow under another port is older than the mapping; a peer's may be somebody else's.
        // A connection can't begin anew, it keeps its port.
        const bool ours = state.closed.contains(seen) ||
                          (open && begun == Side::inside && seen.transport == Transport::udp);
        return ours ? std::optional(Verdict::erase) : std::nullopt;
    }
    state.mappings.flow_seen(key, now - std::min(Time{flow.idle}, now));
    if (entry->holders > 0) state.audibility.seen(key, count(flow, begun));
    return Verdict::keep;
}

// Whoever could send through `pinhole` no longer can, neither by it nor by one for everybody.
bool has_closed(const State::Impl& state, const Pinhole& pinhole) {
    const Pinhole for_all{pinhole.transport, {}, pinhole.outside};
    return (state.closed_pinholes.contains(pinhole) || state.closed_pinholes.contains(for_all)) &&
           !state.mappings.find(pinhole) && !state.mappings.find(for_all);
}

// The mapping is still there, for another stream or call, but this peer's pinhole has gone. Where signalling
// goes on, flows of the phone's own are left: late responses come through them.
bool was_closed(const State::Impl& state, const Mapping& mapping, const Address& remote, Time now) {
    if (!has_closed(state, {mapping.transport, remote, mapping.outside})) return false;
    const nat::MappingEntry* entry =
        state.mappings.find(nat::MappingKey{{mapping.transport, mapping.inside}, mapping.outside.address});
    return entry && entry->idle_until <= now;
}

// A flow that the owner's NAT carries, outward or by a port forwarding; many are not translated at all.
void note_existing_nat(State::Impl& state, const ConntrackEntry& flow, const Mapping& outward,
                       const Mapping& inward) {
    const auto& ports = state.policy.sip_ports;
    const bool signalling = std::find(ports.begin(), ports.end(), flow.reply_source.port) != ports.end();
    if (outward.inside != outward.outside)
        state.mappings.existing_nat().seen(outward, true, signalling);
    else if (inward.inside != inward.outside)
        state.mappings.existing_nat().seen(inward, false, false);
}

}  // namespace

bool State::scan_entry(const ConntrackEntry& flow, Time now) {
    // The phone began it: the answers go to the public endpoint.
    const Mapping outward{flow.transport, flow.original_source, flow.reply_destination};
    if (const auto verdict = judge(*impl_, outward, Side::inside, flow, now))
        return *verdict == Verdict::erase ||
               was_closed(*impl_, outward, flow.original_destination.address, now);
    // The peer began it, through a pinhole that may have closed since.
    const Mapping inward{flow.transport, flow.reply_source, flow.original_destination};
    const auto verdict = judge(*impl_, inward, Side::outside, flow, now);
    if (!verdict) note_existing_nat(*impl_, flow, outward, inward);
    if (verdict != Verdict::keep) return verdict == Verdict::erase;
    // Others' flows to the same endpoint, such as those of the owner's own port forwarding, are not ours to
    // end.
    return has_closed(*impl_, {flow.transport, flow.original_source.address, flow.original_destination});
}

std::vector<Event> State::end_scan() {
    Impl& impl = *impl_;
    impl.closed.clear();
    impl.closed_pinholes.clear();
    impl.renumbered_and_scanned = impl.renumbered_at_scan;
    impl.mappings.existing_nat().end();
    impl.audibility.end(impl.scan_begun, [&](const nat::MappingKey& key) {
        const nat::MappingEntry* entry = impl.mappings.find(key);
        return entry && entry->holders > 0;
    });
    std::vector<Event> events;
    impl.calls.listen(impl.audibility, impl.scan_begun, events);
    return events;
}

void State::abandon_scan() {
    impl_->next_look = Time{0};
}

}  // namespace sipalg
