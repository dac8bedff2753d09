// Tells which ends of a media mapping are sending, by conntrack's packet counters (O5).
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "alg/base/time.hpp"
#include "alg/nat/mapping_key.hpp"

namespace sipalg::call {

/// Packets through a mapping since its flows began.
struct PacketCount {
    std::uint64_t sent = 0;      ///< by the phone
    std::uint64_t received = 0;  ///< by the phone, from peers
    /// False: conntrack does not count packets (nf_conntrack_acct is off), and a direction with any packet
    /// has the count 1.
    bool exact = true;
    friend bool operator==(const PacketCount&, const PacketCount&) = default;
};

/// Compares the counts of conntrack scans that are at least `window` apart. Nothing is staged, because a scan
/// reports facts. The limit is that of the table of mappings: note() is only called for its entries.
class AudioCheck {
  public:
    /// Long enough to tell silence from a pause, and media from RTCP on the RTP port.
    static constexpr Time window{10'000};

    /// Begins a scan.
    void begin();
    void note(const nat::MappingKey& key, const PacketCount& count);
    /// Ends the scan that began at `now`, and forgets mappings for which `exists` is false.
    template <class Exists>
    void end(Time now, Exists exists) {
        std::erase_if(windows_, [&](const auto& entry) { return !exists(entry.first); });
        for (auto& [key, entry] : windows_) {
            entry.latest = entry.current;
            roll(entry, now);
        }
        last_ = now;
    }

    struct Activity {
        bool phone = false, peer = false;  ///< has sent media
        Time span{0};                      ///< length of the measurement
    };
    /// The activity in the latest complete window, which must have begun at `since` or later; nullopt: none
    /// yet.
    std::optional<Activity> activity(const nat::MappingKey& key, Time since) const;

    /// The packets of a mapping's flows by the latest complete scan; nullopt: it found none.
    std::optional<PacketCount> count(const nat::MappingKey& key) const;

  private:
    struct Window {
        Time begun{0};
        PacketCount base, current, latest;
        std::optional<Activity> result;  ///< of the previous window
        Time result_begun{0};
    };
    static void roll(Window& entry, Time now);

    std::unordered_map<nat::MappingKey, Window, nat::MappingKeyHash> windows_;
    Time last_{0};  ///< beginning of the last complete scan
};

}  // namespace sipalg::call
