#include "alg/daemon/run/history.hpp"

#include <algorithm>

#include "alg/facts/mask.hpp"

namespace sipalg::daemon {

void History::keep(std::size_t calls) {
    most_ = calls;
    while (rows_.size() > most_)
        rows_.pop_front();
}

void History::take(std::span<const Event> events, bool observed) {
    for (const Event& event : events) {
        if (!event.ended) continue;
        if (!observed) ++ended_[static_cast<std::size_t>(event.ended->why)];
        keep_row({*event.ended, observed});
    }
}

void History::keep_row(Row row) {
    if (most_ == 0) return;
    if (rows_.size() >= most_) rows_.pop_front();
    EndedCall& call = row.call;
    call.call_id.resize(std::min(call.call_id.size(), longest_call_id));
    call.media.resize(std::min(call.media.size(), most_media));
    if (mask_) {
        call.from = facts::mask_numbers(call.from);
        call.to = facts::mask_numbers(call.to);
    }
    rows_.push_back(std::move(row));
}

std::string_view media_from(const EndedCall& call) {
    bool known = false, phone = false, peer = false;
    for (const EndedMedia& media : call.media) {
        known = known || media.known != EndedMedia::Known::nothing;
        phone = phone || media.sent > 0;
        peer = peer || media.received > 0;
    }
    if (!known) return "";
    return phone ? (peer ? "both" : "phone") : (peer ? "peer" : "none");
}

}  // namespace sipalg::daemon
