// Which side of a media mapping was heard lately, as conntrack's counters tell (O5).
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "alg/base/time.hpp"
#include "alg/nat/mapping_key.hpp"

namespace sipalg::call {

/// Packets through a mapping since its flows began.
struct PacketCount {
    std::uint64_t sent = 0;   ///< by the phone
    std::uint64_t heard = 0;  ///< by the phone, from peers
    /// False: conntrack does not count (nf_conntrack_acct is off). Then a direction is 1 if it ever was used.
    bool exact = true;
    friend bool operator==(const PacketCount&, const PacketCount&) = default;
};

/// Counts are compared over windows of at least `window`, as sweeps happen to come. Facts, not decisions:
/// nothing here is staged. Bounded by the mappings, of which alone seen() may be told.
class AudioCheck {
  public:
    /// Long enough to tell a pause from silence, and for RTCP on the RTP port not to pass for media.
    static constexpr Time window{10'000};

    /// A sweep begins.
    void begin();
    void seen(const nat::MappingKey& key, const PacketCount& count);
    /// The sweep, which began at `now`, has ended; mappings for which `exists` is false are forgotten.
    template <class Exists>
    void end(Time now, Exists exists) {
        std::erase_if(windows_, [&](const auto& entry) { return !exists(entry.first); });
        for (auto& [key, ears] : windows_)
            roll(ears, now);
        last_ = now;
    }

    struct Activity {
        bool phone = false, peer = false;
        Time span{0};  ///< over which it was, or was not
    };
    /// Over the latest whole window, which must have begun at `since` or later; nullopt: there is none yet.
    std::optional<Activity> heard(const nat::MappingKey& key, Time since) const;

  private:
    struct Window {
        Time begun{0};
        PacketCount base, current;
        std::optional<Activity> result;  ///< of the window before
        Time result_begun{0};
    };
    static void roll(Window& ears, Time now);

    std::unordered_map<nat::MappingKey, Window, nat::MappingKeyHash> windows_;
    Time last_{0};  ///< beginning of the last sweep that ended
};

}  // namespace sipalg::call
