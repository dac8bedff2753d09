#include "alg/daemon/run/postponed.hpp"

#include <utility>

namespace sipalg::daemon {

void PostponedPackets::add(const Arrival& arrival, Verdict&& verdict, std::uint64_t scan) {
    Packet& packet = packets_.emplace_back(
        Packet{arrival, {arrival.bytes.begin(), arrival.bytes.end()}, std::move(verdict), scan});
    packet.arrival.read(packet.bytes);
    packet.arrival.scanned = true;
}

void PostponedPackets::release(std::uint64_t ended,
                               const std::function<void(const Arrival&, Verdict&)>& handler) {
    // Scan numbers only grow, so the oldest packet has the lowest.
    while (!packets_.empty() && packets_.front().scan <= ended) {
        Packet packet = std::move(packets_.front());
        packets_.pop_front();
        packet.arrival.read(packet.bytes);
        handler(packet.arrival, packet.verdict);
    }
}

}  // namespace sipalg::daemon
