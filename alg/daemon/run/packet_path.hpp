// The path of a packet through the daemon: from the queue to the engine, and the verdict back to the queue.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>

#include "alg/base/time.hpp"
#include "alg/daemon/run/engine.hpp"
#include "alg/daemon/run/injector.hpp"
#include "alg/daemon/run/network.hpp"
#include "alg/daemon/run/queue.hpp"

namespace sipalg::daemon {

/// Owns the two queues whose packets get verdicts, and the packets whose verdict has to wait: segments of TCP
/// for the rest of a message, and packets for the transaction of their read. Those that still wait when
/// this object ends pass unmodified.
class PacketPath {
  public:
    /// Binds both queues. `tcp_queue` is for connections with translated sequence numbers (T4). Throws
    /// nft::Error. `ipv6_seen` is called for each IPv6 packet. The references must outlive this object.
    PacketPath(std::uint16_t queue, std::uint16_t tcp_queue, Network& network, Engine& engine,
               std::function<void()> ipv6_seen);
    PacketPath(const PacketPath&) = delete;
    PacketPath& operator=(const PacketPath&) = delete;

    std::array<Queue*, 2> queues() { return {&queue_, &tcp_queue_}; }
    /// Call it when one of queues() is readable.
    void receive(Queue& queue, Time now);
    /// Sends a packet of the engine, or gives a verdict to a waiting packet.
    void emit(const Output& output);
    /// Sends the verdicts that were given outside of receive(), and those that the kernel had no memory for.
    /// Returns when to call again; nullopt: after the next packet.
    std::optional<Time> advance(Time now);
    /// Accepts all packets that wait, after the rules were removed at the end.
    void drain();

  private:
    void decide(const QueuedPacket& packet, Verdict& verdict, Time now);

    Network& network_;
    Engine& engine_;
    std::function<void()> ipv6_seen_;
    Queue queue_;
    Queue tcp_queue_;
    Injector injector_;
    std::unordered_map<std::uint64_t, Verdict>
        waiting_;  ///< verdicts of waiting packets, by token; the queues outlive them
    std::uint64_t last_token_ = 0;
};

}  // namespace sipalg::daemon
