// An NFQUEUE: receives packets and sends verdicts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "alg/base/time.hpp"
#include "alg/core/door.hpp"
#include "alg/daemon/run/latency.hpp"
#include "alg/daemon/run/verdict_buffer.hpp"
#include "alg/sys/netlink.hpp"

namespace sipalg::daemon {

/// A packet from the kernel.
struct QueuedPacket {
    Side from = Side::inside;    ///< decided by the hook: prerouting is inside, postrouting is outside (A1)
    unsigned in_interface = 0;   ///< index; 0: unknown
    unsigned out_interface = 0;  ///< index; 0: unknown
    bool whole = true;           ///< false: longer than a netlink attribute can carry
    bool established = false;    ///< see Arrival
    bool checksum_unverified = true;  ///< the kernel has not verified it and will not compute it (X13)
    Address neighbour;                ///< see Arrival
    Bytes bytes;                      ///< valid until the packets of the same read are decided
};

class Queue;

/// The single verdict for a packet (law 2). If it is not used, its destructor accepts the original bytes.
class Verdict {
  public:
    /// `mark`: the new mark of the packet; nullopt: unchanged.
    Verdict(Queue& queue, std::uint32_t id, std::optional<std::uint32_t> mark)
        : queue_(queue), id_(id), mark_(mark) {}
    ~Verdict();
    /// The object that was moved from can no longer give the verdict. After a verdict outside
    /// Queue::receive(), call Queue::advance().
    Verdict(Verdict&& other) noexcept
        : queue_(other.queue_),
          id_(other.id_),
          mark_(other.mark_),
          given_(std::exchange(other.given_, true)) {}
    Verdict& operator=(Verdict&&) = delete;
    /// Accepts `packet` in place of the original: a whole IP packet of at most Queue::longest_packet bytes.
    void replace(Bytes packet);
    void drop();

  private:
    Queue& queue_;
    std::uint32_t id_;
    std::optional<std::uint32_t> mark_;
    bool given_ = false;
};

/// The verdict for packets when the queue is full.
enum class WhenFull : std::uint8_t { pass, drop };

/// A queue number, bound while the object exists. The kernel drops the packets that wait in the queue when it
/// is unbound, so remove the rules and call drain() first.
class Queue {
  public:
    /// The length of a netlink attribute, including its header, has 16 bits.
    static constexpr std::size_t longest_packet = 65531;

    /// Throws nft::Error: in use by another program, CAP_NET_ADMIN missing, or no nfnetlink_queue in the
    /// kernel.
    explicit Queue(std::uint16_t number, WhenFull when_full = WhenFull::pass);
    ~Queue();
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    int descriptor() const { return channel_.descriptor(); }

    /// Passes waiting packets to `handler`, at most a few dozen, without blocking. A packet whose verdict the
    /// handler does not use passes unmodified. After the packets of one read calls `end_of_read`, then sends
    /// their verdicts together.
    using Handler = std::function<void(const QueuedPacket&, Verdict&)>;
    void receive(const Handler& handler, const std::function<void()>& end_of_read = {});
    /// Accepts all packets in the queue.
    void drain();
    /// Sends verdicts that were given outside receive(), and those that the kernel had no memory for. Returns
    /// when to call again; nullopt: none is left.
    std::optional<Time> advance(Time now);

    /// How often the socket buffer overflowed.
    std::uint64_t lost_reads() const { return lost_reads_; }
    /// Verdicts that the kernel answered with an error.
    std::uint64_t refused_verdicts() const { return refused_verdicts_; }
    /// Verdicts that never reached the kernel.
    std::uint64_t lost_verdicts() const { return verdicts_.lost(); }
    /// From reading packets to sending their verdicts. Segments and packets that wait for more are counted
    /// with the others of their read.
    const Latency& latency() const { return latency_; }

  private:
    friend class Verdict;
    struct Batch;  // buffers of one recvmmsg()

    void bind(WhenFull when_full);
    std::size_t read_batch(const Handler& handler, const std::function<void()>& end_of_read = {});
    void take_message(const nlmsghdr* message, const Handler& handler);

    std::uint16_t number_;
    netlink::Channel channel_;
    std::unique_ptr<Batch> batch_;
    VerdictBuffer verdicts_;
    std::optional<Time> retry_at_;  ///< of kept verdicts
    Latency latency_;
    std::uint64_t lost_reads_ = 0;
    std::uint64_t refused_verdicts_ = 0;
};

}  // namespace sipalg::daemon
