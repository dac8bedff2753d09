#include "alg/tcp/segment_queue.hpp"

#include <algorithm>

namespace sipalg::tcp {

bool SegmentQueue::has_use_for(const Carrier& carrier) const {
    if (entries_.size() >= max_segments || bytes_ + carrier.bytes.size() > max_bytes) return false;
    return std::none_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.carrier.begin <= carrier.begin && entry.carrier.end >= carrier.end &&
               (!carrier.segment.is_fin() || entry.carrier.segment.is_fin());
    });
}

void SegmentQueue::add(const Carrier& carrier, bool forwarded) {
    Entry entry;
    entry.packet.assign(carrier.bytes.begin(), carrier.bytes.end());
    entry.carrier = carrier;
    entry.carrier.bytes = entry.packet;
    entry.carrier.segment.payload = {
        reinterpret_cast<const char*>(entry.packet.data()) + carrier.segment.header_size,
        carrier.segment.payload.size()};
    entry.forwarded = forwarded;
    bytes_ += entry.packet.size();
    const auto behind =
        std::upper_bound(entries_.begin(), entries_.end(), carrier.begin,
                         [](Position begin, const Entry& queued) { return begin < queued.carrier.begin; });
    entries_.insert(behind, std::move(entry));
}

SegmentQueue::Entry SegmentQueue::take(Entries::iterator entry) {
    Entry taken = std::move(*entry);
    bytes_ -= taken.packet.size();
    entries_.erase(entry);
    return taken;
}

SegmentQueue::Entries SegmentQueue::take_all() {
    bytes_ = 0;
    return std::exchange(entries_, {});
}

std::optional<std::pair<Position, Position>> SegmentQueue::last_run(Position received) const {
    if (!reaches_beyond(received)) return std::nullopt;
    std::pair<Position, Position> run{entries_.back().carrier.begin, entries_.back().carrier.end};
    for (auto it = entries_.rbegin(); it != entries_.rend() && it->carrier.end >= run.first; ++it)
        run.first = std::min(run.first, it->carrier.begin);
    run.first = std::max(run.first, received + 1);
    if (run.first >= run.second) return std::nullopt;
    return run;
}

}  // namespace sipalg::tcp
