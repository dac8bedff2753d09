#include "alg/core/report.hpp"

#include <algorithm>
#include <tuple>

#include "alg/call/silence.hpp"
#include "alg/core/state.hpp"

namespace sipalg {

namespace {

using call::Call;

std::string_view word(Call::State state) {
    switch (state) {
        case Call::State::offered: return "offered";
        case Call::State::early: return "early";
        case Call::State::confirmed: return "confirmed";
    }
    return "";
}

std::int64_t seconds_left(Time until, Time now) {
    return std::max<std::int64_t>(0, std::chrono::ceil<Seconds>(until - now).count());
}

std::vector<MediaReport> media_of(const Call& call, const nat::Mappings& mappings,
                                  const call::AudioCheck& audibility) {
    std::vector<MediaReport> rows;
    const call::Session* local = call::local_session(call);
    const call::Session* remote = call::remote_session(call);
    if (!local) return rows;
    for (const call::Stream& stream : *local) {
        const call::Stream* peer = remote ? call::stream_at(*remote, stream.line) : nullptr;
        MediaReport row;
        row.type = stream.type.text();
        row.inside = stream.rtp;
        const nat::MappingKey* mapping = call::mapping_of(call, {stream.transport, stream.rtp});
        if (const nat::MappingEntry* entry = mapping ? mappings.find(*mapping) : nullptr)
            row.public_endpoint = entry->public_endpoint();
        if (peer && peer->rtp.port != 0) row.remote = peer->rtp.text();
        const bool off = stream.rtp.port == 0 || (peer && peer->rejected);
        const bool held = stream.on_hold || (peer && peer->on_hold);
        row.state = off ? "off" : !peer ? "early" : held ? "held" : "open";
        if (const auto silence = call::silence(call, stream, audibility))
            row.silent = call::word(silence->silent);
        rows.push_back(std::move(row));
    }
    return rows;
}

// The first `most` entries of a map in the given order. Those that are not wanted are not sorted.
template <class Map, class Before>
auto first_of(const Map& map, std::size_t most, Before before) {
    std::vector<const std::remove_reference_t<decltype(*map.begin())>*> chosen;
    chosen.reserve(map.size());
    for (const auto& entry : map)
        chosen.push_back(&entry);
    const auto end = chosen.begin() + static_cast<std::ptrdiff_t>(std::min(most, chosen.size()));
    std::partial_sort(chosen.begin(), end, chosen.end(),
                      [&](const auto* a, const auto* b) { return before(*a, *b); });
    chosen.erase(end, chosen.end());
    return chosen;
}

auto age_order(const CallKey& key, const Call& call) {
    return std::tuple(call.started, std::string_view(key.call_id), key.phone, key.leg);
}

template <class Before>
std::vector<CallReport> report_calls(const State& state, std::size_t most, Before before) {
    std::vector<CallReport> rows;
    for (const auto* entry : first_of(state.calls.all(), most, before))
        rows.push_back(report_call(state, entry->first, entry->second));
    return rows;
}

using Serves = PinholeReport::Serves;

// A pinhole for signalling that belongs to no call.
PinholeReport signalling_row(Serves serves, const Socket& shown, const Endpoint& inside, std::string remote,
                             std::int64_t expires_s) {
    PinholeReport row;
    row.serves = serves;
    row.transport = shown.transport;
    row.public_endpoint = shown.endpoint;
    row.inside = inside;
    row.remote = std::move(remote);
    row.media = "sip";
    row.state = "open";
    row.expires_s = expires_s;
    return row;
}

PinholeReport row_of(const call::CallPinhole& pin, std::string_view call_id, const State& state, Time now) {
    const nat::PinholeEntry* entry = state.mappings.pinholes().find(pin.pinhole);
    PinholeReport row;
    row.serves = pin.signalling ? Serves::call : Serves::media;
    row.transport = pin.pinhole.transport;
    row.public_endpoint = pin.shown;
    row.inside = pin.inside;
    row.remote = pin.pinhole.remote ? pin.pinhole.remote.text() : "*";
    row.media = pin.signalling ? "sip" : pin.type.text();
    if (!pin.signalling) row.component = pin.rtcp ? "rtcp" : "rtp";
    row.call_id = call_id;
    row.state = pin.early ? "early" : pin.latched ? "learned" : "open";
    row.expires_s = entry ? seconds_left(entry->kernel_until, now) : 0;
    if (pin.remote_port != 0 && pin.pinhole.remote)
        row.flow =
            ConntrackTuple{pin.pinhole.transport, {pin.pinhole.remote, pin.remote_port}, pin.pinhole.outside};
    return row;
}

// A latch that a source has used is still listed until its time is over: only the kernel knows (C5).
void add_latches(const CallKey& key, const Call& call, const State& state, Time now,
                 std::vector<PinholeReport>& rows) {
    for (const call::CallLatch& latch : call.latches) {
        const nat::MappingEntry* entry =
            state.mappings.find_outside({latch.latch.transport, latch.latch.outside});
        if (!entry || latch.until <= now) continue;
        PinholeReport row;
        row.serves = Serves::latch;
        row.transport = latch.latch.transport;
        row.public_endpoint = entry->public_endpoint();
        row.inside = entry->mapping.inside;
        row.remote = "*";
        for (const call::CallPinhole& pin : call.pinholes)
            if (pin.pinhole.outside == latch.latch.outside) row.media = pin.type.text();
        row.component = "rtp";
        row.call_id = key.call_id;
        row.state = "open";
        row.expires_s = seconds_left(latch.until, now);
        rows.push_back(std::move(row));
    }
}

void add_bindings(const State& state, Time now, std::vector<PinholeReport>& rows) {
    for (const auto& [key, binding] : state.registrations.all())
        for (const Pinhole& pinhole : registration::pinholes(key, binding)) {
            const nat::PinholeEntry* entry = state.mappings.pinholes().find(pinhole);
            if (!entry || entry->kernel_until <= now) continue;
            rows.push_back(signalling_row(Serves::registration, {pinhole.transport, binding.shown},
                                          key.inside.endpoint, pinhole.remote.text(),
                                          seconds_left(entry->kernel_until, now)));
        }
}

std::string text(const Prefix& prefix) {
    const bool is_host = prefix.length == prefix.address.size() * 8;
    return prefix.address.text() + (is_host ? "" : "/" + std::to_string(prefix.length));
}

void add_allowed_peers(const State& state, Time now, std::vector<PinholeReport>& rows) {
    const std::vector<Prefix> allowed = state.policy.treatments.allowed_peers();
    if (allowed.empty()) return;
    for (const auto& [key, entry] : state.mappings.all()) {
        if (!entry.reachable || entry.kernel_until <= now) continue;
        for (const Prefix& peers : allowed) {
            if (peers.address.family() != entry.mapping.outside.address.family()) continue;
            rows.push_back(
                signalling_row(Serves::allowed_peer, {entry.mapping.transport, entry.public_endpoint()},
                               entry.mapping.inside, text(peers), seconds_left(entry.kernel_until, now)));
        }
    }
}

}  // namespace

std::string_view word(Unchanged why) {
    switch (why) {
        case Unchanged::no: return "";
        case Unchanged::routed: return "routed";
        case Unchanged::mode_pinhole: return "mode_pinhole";
        case Unchanged::mode_observe: return "mode_observe";
        case Unchanged::peer_handles_nat: return "peer_handles_nat";
        case Unchanged::phone_handles_nat: return "phone_handles_nat";
        case Unchanged::as_begun: return "as_begun";
    }
    return "";
}

std::string_view sentence(Unchanged why) {
    switch (why) {
        case Unchanged::no: return "";
        case Unchanged::routed: return "the phone's address is not translated";
        case Unchanged::mode_pinhole: return "mode pinhole";
        case Unchanged::mode_observe: return "mode observe";
        case Unchanged::peer_handles_nat: return "the peer handles NAT itself";
        case Unchanged::phone_handles_nat: return "the phone handles NAT itself";
        case Unchanged::as_begun: return "they were not changed when the call began";
    }
    return "";
}

Unchanged why_unchanged(const State& state, const nat::PhonePeer& ends, bool unmodified) {
    if (!state.policy.treatments.is_translated(ends.phone)) return Unchanged::routed;
    const auto [mode, handler] = state.handling(ends.phone, ends.peer);
    if (unmodified) {
        if (mode == Mode::pinhole) return Unchanged::mode_pinhole;
        return handler == nat::NatHandler::peer ? Unchanged::peer_handles_nat : Unchanged::as_begun;
    }
    const bool by_phone = mode != Mode::rewrite && handler == nat::NatHandler::phone;
    return by_phone ? Unchanged::phone_handles_nat : Unchanged::no;
}

CallReport report_call(const State& state, const CallKey& key, const Call& call) {
    CallReport row;
    row.call_id = key.call_id;
    row.state = call.is_finished() ? "closing" : word(call.state);
    row.direction = call.caller == Side::inside ? "out" : "in";
    row.from = call.from;
    row.to = call.to;
    row.phone = key.phone.text();
    row.peer = call.peers.empty() ? "" : call.first_peer().text();
    row.started = call.started;
    row.unmodified = call.unmodified;
    row.why = why_unchanged(state, {key.phone, call.first_peer()}, call.unmodified);
    row.media = media_of(call, state.mappings, state.scan.audio());
    return row;
}

std::vector<CallReport> report_calls(const State& state) {
    return report_calls(state, state.calls.all().size(), [](const auto& a, const auto& b) {
        return age_order(a.first, a.second) < age_order(b.first, b.second);
    });
}

std::vector<CallReport> report_newest_calls(const State& state, std::size_t most) {
    return report_calls(state, most, [](const auto& a, const auto& b) {
        return age_order(b.first, b.second) < age_order(a.first, a.second);
    });
}

std::string_view word(PinholeReport::Serves serves) {
    switch (serves) {
        case PinholeReport::Serves::media: return "media";
        case PinholeReport::Serves::latch: return "latch";
        case PinholeReport::Serves::call: return "call";
        case PinholeReport::Serves::registration: return "registration";
        case PinholeReport::Serves::allowed_peer: return "allowed_peer";
    }
    return "";
}

std::vector<PinholeReport> report_pinholes(const State& state, Time now) {
    std::vector<PinholeReport> rows;
    for (const auto& [key, call] : state.calls.all()) {
        for (const call::CallPinhole& pin : call.pinholes)
            rows.push_back(row_of(pin, key.call_id, state, now));
        add_latches(key, call, state, now, rows);
    }
    add_bindings(state, now, rows);
    add_allowed_peers(state, now, rows);
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
        return std::tie(a.call_id, a.public_endpoint, a.remote) <
               std::tie(b.call_id, b.public_endpoint, b.remote);
    });
    return rows;
}

std::vector<BindingReport> report_bindings(const State& state, Time now, std::size_t most) {
    const auto before = [](const auto& a, const auto& b) {
        return std::tie(a.first.aor, a.first.inside.endpoint, a.first.registrar) <
               std::tie(b.first.aor, b.first.inside.endpoint, b.first.registrar);
    };
    std::vector<BindingReport> rows;
    for (const auto* entry : first_of(state.registrations.all(), most, before)) {
        const auto& [key, binding] = *entry;
        BindingReport row;
        row.transport = key.inside.transport;
        row.public_endpoint = binding.shown;
        row.inside = key.inside.endpoint;
        row.aor = key.aor;
        row.registrar = key.registrar.text();
        row.unmodified = binding.unmodified;
        row.why = why_unchanged(state, {key.inside.endpoint.address, key.registrar}, binding.unmodified);
        row.expires_s = seconds_left(binding.until, now);
        rows.push_back(std::move(row));
    }
    return rows;
}

std::vector<FlowReport> report_flows(const State& state, Time now) {
    std::vector<FlowReport> rows;
    rows.reserve(state.flows.size());
    state.flows.each([&](const FlowEntry& entry) {
        FlowReport row;
        row.transport = entry.key.transport;
        row.phone = entry.key.phone;
        row.peer = entry.key.peer;
        row.opened_by = entry.opener == Side::inside ? "inside" : "outside";
        row.kind = word(entry.kind);
        row.sni = entry.server_name;
        row.treatment = word(entry.treatment);
        row.configured = entry.configured;
        row.started = entry.first;
        row.idle_s = std::chrono::duration_cast<Seconds>(now - entry.last).count();
        row.outward = entry.outward;
        row.inward = entry.inward;
        const tcp::Connection* connection = entry.key.transport == Transport::tcp
                                                ? state.connections.find({entry.key.phone, entry.key.peer})
                                                : nullptr;
        if (connection) {
            row.grown_outward = connection->from_phone.map().length();
            row.grown_inward = connection->from_peer.map().length();
            row.held = connection->memory();
        }
        rows.push_back(std::move(row));
    });
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
        return std::tie(a.phone, a.peer, a.transport) < std::tie(b.phone, b.peer, b.transport);
    });
    return rows;
}

std::vector<FlowKey> watched_flows(const State& state) {
    std::vector<FlowKey> keys;
    state.flows.each([&](const FlowEntry& entry) {
        if (entry.sight == Sight::beginnings && entry.kind != FlowKind::sip) keys.push_back(entry.key);
    });
    return keys;
}

Totals totals(const State& state) {
    Totals totals;
    totals.calls = state.calls.all().size();
    totals.bindings = state.registrations.all().size();
    for (const auto& [key, entry] : state.mappings.all())
        if (entry.kernel_until > Time{0} && !entry.is_kept_for_calls()) ++totals.mappings;
    totals.pinholes = state.mappings.pinholes().size();
    return totals;
}

}  // namespace sipalg
