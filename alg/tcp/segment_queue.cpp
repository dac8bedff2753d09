#include "alg/tcp/segment_queue.hpp"

#include <algorithm>

namespace sipalg::tcp {

SegmentQueue::Entry::Entry(const Carrier& original, bool has_verdict)
    : packet(original.bytes.begin(), original.bytes.end()), carrier(original), forwarded(has_verdict) {
    carrier.bytes = packet;
    carrier.segment.payload = {reinterpret_cast<const char*>(packet.data()) + original.segment.header_size,
                               original.segment.payload.size()};
}

bool SegmentQueue::has_use_for(const Carrier& carrier) const {
    if (entries_.size() >= max_segments || bytes_ + carrier.bytes.size() > max_bytes) return false;
    return std::none_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.carrier.begin <= carrier.begin && entry.carrier.end >= carrier.end &&
               (!carrier.segment.is_fin() || entry.carrier.segment.is_fin());
    });
}

void SegmentQueue::add(const Carrier& carrier, bool forwarded) {
    bytes_ += carrier.bytes.size();
    const auto behind =
        std::upper_bound(entries_.begin(), entries_.end(), carrier.begin,
                         [](Position begin, const Entry& queued) { return begin < queued.carrier.begin; });
    entries_.insert(behind, Entry(carrier, forwarded));
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
