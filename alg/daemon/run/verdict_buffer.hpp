// Verdicts on their way to the kernel.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/net/packet.hpp"

namespace sipalg::daemon {

/// Collects the verdict messages of one queue and sends them in one system call. The kernel works through
/// them inside send(), so a message is either taken or not. If the kernel has no memory for all of them, they
/// are sent one by one; those that it can't take even so are kept and sent again.
class VerdictBuffer {
  public:
    /// As send(2) on the queue's socket.
    using Send = std::function<ssize_t(const void* bytes, std::size_t size)>;

    /// Bytes in one system call: more than most_outgoing flushes first. Kept verdicts come on top.
    static constexpr std::size_t most_outgoing = 131'072;
    /// Bytes of verdicts that the kernel did not take. At this bound the oldest are given up and counted as
    /// lost; the kernel then drops their packets when the queue is closed.
    static constexpr std::size_t most_kept = 1 << 20;
    /// The wait before kept verdicts are sent again.
    static constexpr Time pause{10};

    VerdictBuffer(std::uint16_t queue, Send send);

    /// Adds a verdict, NF_ACCEPT or NF_DROP; a `replacement` that is not empty takes the packet's place.
    void put(std::uint32_t packet_id, unsigned verdict, Bytes replacement);
    /// Sends what was added and what was kept. True: nothing is left.
    bool flush();
    /// Verdicts are left that the kernel had no memory for: flush() again after `pause`.
    bool has_kept() const { return kept_; }
    /// Verdicts that were given up.
    std::uint64_t lost() const { return lost_; }

  private:
    enum class Outcome : std::uint8_t { taken, keep, lost };
    Outcome send_once(std::span<const std::uint8_t> bytes);
    void send_one_by_one();

    std::uint16_t queue_;
    Send send_;
    std::vector<std::uint8_t> outgoing_;
    bool kept_ = false;
    std::uint64_t lost_ = 0;
};

}  // namespace sipalg::daemon
