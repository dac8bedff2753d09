#include "alg/call/audio_check.hpp"

namespace sipalg::call {

void AudioCheck::begin() {
    for (auto& [key, entry] : windows_)
        entry.current = {};
}

void AudioCheck::seen(const nat::MappingKey& key, const PacketCount& count) {
    const auto [it, is_new] = windows_.try_emplace(key);
    Window& entry = it->second;
    if (is_new) {
        // The sweep before saw no flow of it: then there were no packets.
        entry.begun = last_;
        entry.base.exact = count.exact;
    }
    entry.current.sent += count.sent;
    entry.current.heard += count.heard;
    entry.current.exact = entry.current.exact && count.exact;
}

void AudioCheck::roll(Window& entry, Time now) {
    const PacketCount &base = entry.base, &current = entry.current;
    // A flow has ended, or begun to be counted: what was is no measure any more.
    const bool starts_anew = entry.begun == Time{0} || current.sent < base.sent ||
                             current.heard < base.heard || current.exact != base.exact;
    const Time span = now - entry.begun;
    if (!starts_anew && span < window) return;
    if (starts_anew) {
        entry.result.reset();
    } else {
        // Speech is 20 packets a second and more. Less than one is RTCP, or comfort noise.
        const auto least = current.exact ? static_cast<std::uint64_t>(span / Time{1000}) : 1;
        const std::uint64_t sent = current.exact ? current.sent - base.sent : current.sent;
        const std::uint64_t heard = current.exact ? current.heard - base.heard : current.heard;
        entry.result = Activity{sent >= least, heard >= least, span};
        entry.result_begun = entry.begun;
    }
    entry.base = current;
    entry.begun = now;
}

std::optional<AudioCheck::Activity> AudioCheck::heard(const nat::MappingKey& key, Time since) const {
    const auto it = windows_.find(key);
    if (it == windows_.end()) {
        // No flow of it was there at all.
        if (last_ < since + window) return std::nullopt;
        return Activity{false, false, last_ - since};
    }
    if (!it->second.result || it->second.result_begun < since) return std::nullopt;
    return it->second.result;
}

}  // namespace sipalg::call
