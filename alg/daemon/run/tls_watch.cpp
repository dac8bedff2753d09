#include "alg/daemon/run/tls_watch.hpp"

#include <utility>
#include <vector>

#include "alg/core/discover.hpp"
#include "alg/core/report.hpp"
#include "alg/daemon/config/log.hpp"
#include "nft/settings.hpp"

namespace sipalg::daemon {

TlsWatch::TlsWatch(std::uint16_t number, State& state, nft::Conntrack& conntrack, Log log)
    : queue_(number), state_(state), conntrack_(conntrack), log_(std::move(log)) {}

void TlsWatch::receive(Time now) {
    queue_.receive([&](const QueuedPacket& packet, Verdict&) {
        if (!packet.whole) return;
        std::vector<Event> events;
        watch(state_, packet.bytes, packet.from, now, events);
        log_(events);
    });
}

void TlsWatch::forget_ended() {
    const std::vector<FlowKey> keys = watched_flows(state_);
    std::vector<ConntrackTuple> flows;
    flows.reserve(keys.size());
    for (const FlowKey& key : keys)
        flows.push_back({key.transport, key.phone, key.peer});
    try {
        const std::vector<bool> known = conntrack_.known(flows);
        for (std::size_t i = 0; i < keys.size(); ++i)
            if (!known[i]) state_.flows.forget(keys[i]);
    } catch (const nft::Error& error) {
        log::debug("cannot ask conntrack which TLS connections have ended: {}", error.what());
    }
}

}  // namespace sipalg::daemon
