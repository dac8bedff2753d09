#include "alg/core/stream_sink.hpp"

#include <span>
#include <utility>

#include "alg/core/classify.hpp"
#include "alg/core/inspect_message.hpp"
#include "alg/core/seen_message.hpp"
#include "alg/sip/body.hpp"

namespace sipalg {

namespace {

nat::MappingKey mapping_key(const Endpoint& phone, const Egress& egress) {
    return {{Transport::tcp, phone}, egress.address};
}

FlowKey flow_key(const tcp::ConnectionKey& key) {
    return {Transport::tcp, key.phone, key.peer};
}

}  // namespace

tcp::MessageResult StreamSink::inspect(const tcp::StreamMessage& message, Time now) {
    sip::ParseError error = state_.message.parse(message.bytes);
    if (message.oversize) {
        // The head is complete, and the message can be inspected unless its body describes media.
        const bool readable =
            error == sip::ParseError::truncated && sip::find_sdp(state_.message).sdp.size() == 0;
        if (!readable) return {Reason::oversize, false, nullptr};
        error = sip::ParseError::none;
    }
    if (error != sip::ParseError::none) return {sipalg::reason_of(error), false, nullptr};
    const bool outward = message.from == Side::inside;
    decision_.reason = Reason::unchanged;
    const Envelope envelope{Transport::tcp,
                            outward ? message.key.phone : message.key.peer,
                            outward ? message.key.peer : message.key.phone,
                            message.from,
                            message.egress,
                            message.answered};
    const std::size_t before = decision_.explained.size();
    inspect_message(state_, envelope, now, decision_);
    if (!decision_.asked.empty()) return {Reason::unchanged, true, nullptr};
    const bool planned = std::exchange(decision_.rewritten, false);
    if (state_.explaining) {
        note_seen(state_, envelope, message.bytes, decision_.reason,
                  std::span(decision_.explained).subspan(before), decision_);
        if (planned) state_.edits.apply(decision_.seen.back().after);
    }
    const bool rewritten = planned && state_.policy.edits;
    if (rewritten) state_.edits.sort();
    return {decision_.reason, false, rewritten ? &state_.edits : nullptr};
}

void StreamSink::note_opened(const tcp::ConnectionKey& key, Side from, Time now) {
    state_.flows.see(flow_key(key), from, FlowKind::unknown, now);
}

void StreamSink::note(const tcp::ConnectionKey& key, Side from, Reason reason, std::string_view bytes,
                      Time now) {
    if (!again_) note_flow(state_, flow_key(key), from, reason, bytes, now);
}

Reason StreamSink::reason_of(sip::Kind kind) const {
    return sipalg::reason_of(kind);
}

bool StreamSink::map(const Endpoint& phone, const Egress& egress, Time now) {
    return state_.mappings.map({Transport::tcp, phone}, egress, {}, now, decision_.changes) != nullptr;
}

bool StreamSink::acquire(const Endpoint& phone, const Egress& egress, Time until, Time now,
                         std::vector<Change>& changes) {
    const nat::MappingKey key = mapping_key(phone, egress);
    if (!state_.mappings.find(key)) return false;
    state_.mappings.acquire(key, until, now, changes);
    return true;
}

void StreamSink::refresh(const Endpoint& phone, const Egress& egress, Time until, Time now,
                         std::vector<Change>& changes) {
    state_.mappings.extend(mapping_key(phone, egress), until, now, changes);
}

void StreamSink::release(const Endpoint& phone, const Egress& egress, Time now,
                         std::vector<Change>& changes) {
    state_.mappings.release(mapping_key(phone, egress), now, changes);
}

}  // namespace sipalg
