// Traffic that is reported and never changed: TLS, and SIP on other ports (N4).
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "alg/core/door.hpp"
#include "alg/daemon/run/queue.hpp"
#include "nft/conntrack.hpp"

namespace sipalg::daemon {

/// Adds the packets of its queue to State::flows(). Every packet is accepted unmodified.
/// Encrypted signalling is listed and never changed (N4).
class TlsWatch {
  public:
    using Log = std::function<void(std::span<const Event>)>;

    /// Binds the queue; throws as Queue does.
    TlsWatch(std::uint16_t number, State& state, nft::Conntrack& conntrack, Log log);

    Queue& queue() { return queue_; }
    void receive(Time now);
    /// Removes ended connections. This needs conntrack, because the queue gets only the first packets of each
    /// connection.
    void forget_ended();

  private:
    Queue queue_;
    State& state_;
    nft::Conntrack& conntrack_;
    Log log_;
};

}  // namespace sipalg::daemon
