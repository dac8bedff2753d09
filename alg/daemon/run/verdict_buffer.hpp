// Buffers verdicts for the kernel.
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

/// Collects the verdict messages of one queue and sends them in one system call. The kernel processes them
/// inside send(), so that each one is either accepted or not. If the kernel has no memory for all of them,
/// they are sent one by one. Those that fail even then are kept and sent again.
class VerdictBuffer {
  public:
    /// Sends like send(2) on the queue's socket.
    using Send = std::function<ssize_t(const void* bytes, std::size_t size)>;

    /// The most bytes of new verdicts in one system call; beyond this the buffer is flushed first.
    static constexpr std::size_t most_outgoing = 131'072;
    /// The most bytes of kept verdicts. Beyond this the oldest are discarded and counted as lost; the kernel
    /// drops their packets when the queue is closed.
    static constexpr std::size_t most_kept = 1 << 20;
    /// The wait before kept verdicts are sent again.
    static constexpr Time pause{10};

    VerdictBuffer(std::uint16_t queue, Send send);

    /// Adds a verdict, NF_ACCEPT or NF_DROP. A `replacement` that is not empty replaces the packet, and
    /// `mark` its mark.
    void put(std::uint32_t packet_id, unsigned verdict, Bytes replacement,
             std::optional<std::uint32_t> mark = std::nullopt);
    /// Sends new and kept verdicts. True: none is left.
    bool flush();
    /// Whether kept verdicts are left; call flush() again after `pause`.
    bool has_kept() const { return kept_; }
    /// The number of discarded verdicts.
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
