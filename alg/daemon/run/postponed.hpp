// Packets whose verdict waits for a scan of conntrack.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/daemon/run/queue.hpp"

namespace sipalg::daemon {

/// Keeps them in the order of their arrival. Packets that are left at destruction are forwarded unmodified.
class PostponedPackets {
  public:
    /// The limit for waiting packets (X7), so that a phone with many new addresses does not delay other
    /// phones.
    static constexpr std::size_t most = 64;

    std::size_t size() const { return packets_.size(); }
    bool full() const { return packets_.size() >= most; }
    /// Keeps packet and verdict until the scan with this number has ended.
    void add(const Arrival& arrival, Verdict&& verdict, std::uint64_t scan);
    /// Passes the packets whose scan number is at most `ended` to `handler`, with `scanned` set, and removes
    /// them.
    void release(std::uint64_t ended, const std::function<void(const Arrival&, Verdict&)>& handler);
    void clear() { packets_.clear(); }

  private:
    struct Packet {
        Arrival arrival;  ///< its view refers to the bytes below
        std::vector<std::uint8_t> bytes;
        Verdict verdict;
        std::uint64_t scan;
    };
    std::deque<Packet> packets_;
};

}  // namespace sipalg::daemon
