#include "alg/daemon/run/postponed.hpp"

#include <utility>

namespace sipalg::daemon {

void PostponedPackets::enter(const Arrival& arrival, Verdict&& verdict, std::uint64_t sweep) {
    Packet& packet = packets_.emplace_back(
        Packet{arrival, {arrival.bytes.begin(), arrival.bytes.end()}, std::move(verdict), sweep});
    packet.arrival.read(packet.bytes);
    packet.arrival.scanned = true;
}

bool PostponedPackets::leave(std::uint64_t ended,
                             const std::function<void(const Arrival&, Verdict&)>& handler) {
    bool some = false;
    // Sweeps are asked for in order, so who came first has the lowest number.
    for (; !packets_.empty() && packets_.front().sweep <= ended; some = true) {
        Packet packet = std::move(packets_.front());
        packets_.pop_front();
        packet.arrival.read(packet.bytes);
        handler(packet.arrival, packet.verdict);
    }
    return some;
}

}  // namespace sipalg::daemon
