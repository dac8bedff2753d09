#include "alg/call/audio_check.hpp"

namespace sipalg::call {

void AudioCheck::begin() {
    for (auto& [key, entry] : windows_)
        entry.current = {};
}

void AudioCheck::note(const nat::MappingKey& key, const PacketCount& count) {
    const auto [it, is_new] = windows_.try_emplace(key);
    Window& entry = it->second;
    if (is_new) {
        // The previous scan found no flow of this mapping, so its count was zero.
        entry.begun = last_;
        entry.base.exact = count.exact;
    }
    entry.current.sent += count.sent;
    entry.current.received += count.received;
    entry.current.exact = entry.current.exact && count.exact;
}

void AudioCheck::roll(Window& entry, Time now) {
    const PacketCount &base = entry.base, &current = entry.current;
    // A flow has ended, or counting has begun: the old numbers can't be compared.
    const bool starts_anew = entry.begun == Time{0} || current.sent < base.sent ||
                             current.received < base.received || current.exact != base.exact;
    const Time span = now - entry.begun;
    if (!starts_anew && span < window) return;
    if (starts_anew) {
        entry.result.reset();
    } else {
        // Speech is 20 packets a second and more. Less than one is RTCP, or comfort noise.
        const auto least = current.exact ? static_cast<std::uint64_t>(span / Time{1000}) : 1;
        const std::uint64_t sent = current.exact ? current.sent - base.sent : current.sent;
        const std::uint64_t received = current.exact ? current.received - base.received : current.received;
        entry.result = Activity{sent >= least, received >= least, span};
        entry.result_begun = entry.begun;
    }
    entry.base = current;
    entry.begun = now;
}

std::optional<PacketCount> AudioCheck::count(const nat::MappingKey& key) const {
    const auto it = windows_.find(key);
    if (it == windows_.end() || it->second.latest == PacketCount{}) return std::nullopt;
    return it->second.latest;
}

std::optional<AudioCheck::Activity> AudioCheck::activity(const nat::MappingKey& key, Time since) const {
    const auto it = windows_.find(key);
    if (it == windows_.end()) {
        // The scan found no flow of this mapping.
        if (last_ < since + window) return std::nullopt;
        return Activity{false, false, last_ - since};
    }
    if (!it->second.result || it->second.result_begun < since) return std::nullopt;
    return it->second.result;
}

}  // namespace sipalg::call
