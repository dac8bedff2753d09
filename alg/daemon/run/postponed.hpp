// Packets whose verdict has to wait until conntrack has been looked through.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/daemon/run/queue.hpp"

namespace sipalg::daemon {

/// In the order in which they came. Whatever is still here at the end passes unchanged.
class PostponedPackets {
  public:
    /// More may not wait (X7): a phone that names new addresses all the time delays itself, and nobody else.
    static constexpr std::size_t most = 64;

    bool full() const { return packets_.size() >= most; }
    /// Takes over the verdict until the sweep with this number has ended.
    void enter(const Arrival& arrival, Verdict&& verdict, std::uint64_t sweep);
    /// Gives back those whose sweep is `ended`, as arrivals that know of it. True: there were some.
    bool leave(std::uint64_t ended, const std::function<void(const Arrival&, Verdict&)>& handler);
    void clear() { packets_.clear(); }

  private:
    struct Packet {
        Arrival arrival;  ///< its bytes are those below
        std::vector<std::uint8_t> bytes;
        Verdict verdict;
        std::uint64_t sweep;
    };
    std::deque<Packet> packets_;
};

}  // namespace sipalg::daemon
