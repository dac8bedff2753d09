#include "alg/call/ended.hpp"

#include <algorithm>
#include <vector>

#include "alg/policy/timing.hpp"

namespace sipalg::call {

namespace {

// The dialogs have ended, so those that never had an answer are left out by their missing remote session.
std::vector<EndedMedia> ended_media(const Call& call, const AudioCheck& audio) {
    std::vector<EndedMedia> media;
    std::vector<const nat::MappingKey*> counted;
    for (const Dialog& dialog : call.dialogs) {
        if (!dialog.local || !dialog.remote) continue;
        for (const Stream& stream : *dialog.local) {
            const nat::MappingKey* mapping = mapping_of(call, {stream.transport, stream.rtp});
            if (!mapping || std::find(counted.begin(), counted.end(), mapping) != counted.end()) continue;
            counted.push_back(mapping);
            EndedMedia row;
            row.type = stream.type.text();
            if (const auto count = audio.count(*mapping)) {
                row.known = count->exact ? EndedMedia::Known::packets : EndedMedia::Known::presence;
                row.sent = count->sent;
                row.received = count->received;
            }
            media.push_back(std::move(row));
        }
    }
    return media;
}

}  // namespace

EndedCall ended_call(const CallKey& key, const Call& call, const AudioCheck& audio, EndReason why, Time now) {
    EndedCall ended;
    ended.call_id = key.call_id;
    ended.from = call.from;
    ended.to = call.to;
    ended.phone = key.phone;
    ended.peer = call.first_peer();
    ended.outgoing = call.caller == Side::inside;
    ended.started = call.started;
    if (call.answered()) ended.answered = call.forks_until - transaction_time;
    ended.ended = now;
    ended.why = why;
    if (call.answered()) ended.media = ended_media(call, audio);
    return ended;
}

}  // namespace sipalg::call
