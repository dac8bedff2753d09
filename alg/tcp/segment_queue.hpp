// Segments of one direction that wait for the rest of a message, or for bytes before them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "alg/tcp/position.hpp"
#include "alg/tcp/segment.hpp"

namespace sipalg::tcp {

/// A segment with its packet, whose verdict carries bytes to the receiver.
struct Carrier {
    std::uint64_t token = 0;  ///< ArrivedPacket::token
    Bytes bytes;
    Segment segment;
    Position begin = 0, end = 0;  ///< of its payload
};

/// Copies of queued segments, ordered by their first byte. Bounded (X7).
class SegmentQueue {
  public:
    static constexpr std::size_t max_segments = 64;
    static constexpr std::size_t max_bytes = 131072;

    struct Entry {
        Entry(const Carrier& original, bool has_verdict);
        Entry(const Entry& other) : Entry(other.carrier, other.forwarded) {}
        Entry(Entry&&) noexcept = default;
        Entry& operator=(Entry&&) noexcept = default;

        std::vector<std::uint8_t> packet;
        Carrier carrier;         ///< views into `packet`
        bool forwarded = false;  ///< has its verdict, and is kept only for its bytes
    };
    using Entries = std::vector<Entry>;

    /// False: the queue is full, or another entry has the same bytes.
    bool has_use_for(const Carrier& carrier) const;
    void add(const Carrier& carrier, bool forwarded);
    /// Removes one entry and returns it.
    Entry take(Entries::iterator entry);
    Entries take_all();

    Entries::iterator begin() { return entries_.begin(); }
    Entries::iterator end() { return entries_.end(); }
    const Entries& entries() const { return entries_; }
    std::size_t size() const { return entries_.size(); }
    std::size_t bytes() const { return bytes_; }

    /// Whether there are bytes after `received`.
    bool reaches_beyond(Position received) const {
        return !entries_.empty() && entries_.back().carrier.end > received;
    }
    /// The last contiguous run of bytes after the gap at `received`, for a selective acknowledgement.
    std::optional<std::pair<Position, Position>> last_run(Position received) const;

  private:
    Entries entries_;
    std::size_t bytes_ = 0;
};

}  // namespace sipalg::tcp
