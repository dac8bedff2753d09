// An NFQUEUE: packets from the kernel, verdicts to it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "alg/base/time.hpp"
#include "alg/core/door.hpp"
#include "alg/daemon/run/verdict_buffer.hpp"
#include "alg/sys/netlink.hpp"

namespace sipalg::daemon {

/// A packet as the kernel handed it over.
struct QueuedPacket {
    Side from = Side::inside;         ///< by the hook: prerouting is inside, postrouting outside (A1)
    unsigned in_interface = 0;        ///< index; 0: unknown
    unsigned out_interface = 0;       ///< index; 0: unknown
    bool whole = true;                ///< false: longer than a netlink attribute can carry
    bool checksum_unverified = true;  ///< neither verified by the kernel nor left to be computed (X13)
    Bytes bytes;                      ///< valid until the handler returns
};

class Queue;

/// The one verdict on one packet (law 2). Destroyed unused, it accepts the original bytes.
class Verdict {
  public:
    Verdict(Queue& queue, std::uint32_t id) : queue_(queue), id_(id) {}
    ~Verdict();
    /// The other object is used up. After a verdict outside of Queue::receive(), call Queue::advance().
    Verdict(Verdict&& other) noexcept
        : queue_(other.queue_), id_(other.id_), given_(std::exchange(other.given_, true)) {}
    Verdict& operator=(Verdict&&) = delete;
    /// Accepts `packet` in place of the original: a whole IP packet of at most Queue::longest_packet bytes.
    void replace(Bytes packet);
    void drop();

  private:
    Queue& queue_;
    std::uint32_t id_;
    bool given_ = false;
};

/// The verdict on packets for which a queue has no room.
enum class WhenFull : std::uint8_t { pass, drop };

/// One queue number, bound for as long as the object lives. Packets that wait in the queue at its end are
/// dropped by the kernel: take away the rules and call drain() before.
class Queue {
  public:
    /// A netlink attribute's length, header included, has 16 bits.
    static constexpr std::size_t longest_packet = 65531;

    /// Throws nft::Error: taken by another program, no CAP_NET_ADMIN, no nfnetlink_queue in the kernel.
    explicit Queue(std::uint16_t number, WhenFull when_full = WhenFull::pass);
    ~Queue();
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    int descriptor() const { return channel_.descriptor(); }

    /// Gives the packets that wait to `handler`, at most a few dozen, without blocking; a packet whose
    /// verdict it does not use passes unchanged. Verdicts leave together when the packets of one read are
    /// done.
    using Handler = std::function<void(const QueuedPacket&, Verdict&)>;
    void receive(const Handler& handler);
    /// Accepts everything that waits.
    void drain();
    /// Sends the verdicts given outside of receive(), and those that the kernel had no memory for. Returns
    /// when to call again; nullopt: none is left.
    std::optional<Time> advance(Time now);

    /// Times the socket buffer overflowed.
    std::uint64_t lost_reads() const { return lost_reads_; }
    /// Verdicts that the kernel answered with an error.
    std::uint64_t refused_verdicts() const { return refused_verdicts_; }
    /// Verdicts that never reached the kernel.
    std::uint64_t lost_verdicts() const { return verdicts_.lost(); }

  private:
    friend class Verdict;
    struct Batch;  // buffers of one recvmmsg()

    void bind(WhenFull when_full);
    std::size_t read_batch(const Handler& handler);
    void take_message(const nlmsghdr* message, const Handler& handler);

    std::uint16_t number_;
    netlink::Channel channel_;
    std::unique_ptr<Batch> batch_;
    VerdictBuffer verdicts_;
    std::optional<Time> retry_at_;  ///< of kept verdicts
    std::uint64_t lost_reads_ = 0;
    std::uint64_t refused_verdicts_ = 0;
};

}  // namespace sipalg::daemon
