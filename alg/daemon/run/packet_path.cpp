#include "alg/daemon/run/packet_path.hpp"

#include <algorithm>
#include <utility>

#include "alg/base/earliest.hpp"

namespace sipalg::daemon {

PacketPath::PacketPath(std::uint16_t queue, std::uint16_t tcp_queue, Network& network, Engine& engine,
                       std::function<void()> ipv6_seen)
    : network_(network),
      engine_(engine),
      ipv6_seen_(std::move(ipv6_seen)),
      queue_(queue),
      tcp_queue_(tcp_queue, WhenFull::drop) {}

void PacketPath::receive(Queue& queue, Time now) {
    queue.receive([&](const QueuedPacket& packet, Verdict& verdict) { decide(packet, verdict, now); },
                  [&] { engine_.settle(now); });
}

void PacketPath::decide(const QueuedPacket& packet, Verdict& verdict, Time now) {
    if (!packet.whole || packet.bytes.empty()) {
        engine_.count(Reason::unreadable_packet);
        return;
    }
    if (packet.bytes[0] >> 4 == 6) ipv6_seen_();
    // P4: the answer may depend on changes that wait.
    if (network_.egress().may_ask(packet.from)) engine_.settle(now);
    const EgressChooser::Choice choice =
        network_.egress().choose(packet.from, packet.bytes, packet.in_interface, packet.out_interface);
    if (choice.undecided) return;
    Arrival arrival(packet.from, packet.bytes, choice.egress, false, ++last_token_);
    arrival.established = packet.established;
    arrival.neighbour = packet.neighbour;
    arrival.checksum_unverified = packet.checksum_unverified;
    const Action action = engine_.gather(arrival, now, Queue::longest_packet);
    if (action.kind == Action::Kind::replace) verdict.replace(action.packet);
    if (action.kind == Action::Kind::drop) verdict.drop();
    if (action.kind == Action::Kind::wait) waiting_.emplace(arrival.token, std::move(verdict));
}

void PacketPath::emit(const Output& output) {
    if (output.kind == Output::Kind::inject) {
        injector_.send(output.from, output.bytes, network_.egress().index_of(output.egress));
        return;
    }
    const auto packet = waiting_.find(output.token);
    if (packet == waiting_.end()) return;
    if (output.kind == Output::Kind::replace) packet->second.replace(output.bytes);
    if (output.kind == Output::Kind::drop) packet->second.drop();
    waiting_.erase(packet);
}

std::optional<Time> PacketPath::advance(Time now) {
    std::optional<Time> next;
    for (Queue* queue : queues())
        next = earliest({next, queue->advance(now)});
    return next;
}

void PacketPath::drain() {
    waiting_.clear();
    for (Queue* queue : queues())
        queue->drain();
}

}  // namespace sipalg::daemon
