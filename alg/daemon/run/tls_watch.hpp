// What the daemon sees of traffic that it leaves alone.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "alg/core/door.hpp"
#include "alg/daemon/run/queue.hpp"
#include "nft/conntrack.hpp"

namespace sipalg::daemon {

/// Reads the queue of watched packets into State::flows(). No verdict is ever given on one of them, so each
/// passes as it came.
/// Encrypted signalling is listed and never changed (N4).
class TlsWatch {
  public:
    using Log = std::function<void(std::span<const Event>)>;

    /// Binds the queue; throws as Queue does.
    TlsWatch(std::uint16_t number, State& state, nft::Conntrack& conntrack, Log log);

    Queue& queue() { return queue_; }
    void receive(Time now);
    /// Of TLS connections only the beginning is seen; conntrack knows which have ended since.
    void forget_ended();

  private:
    Queue queue_;
    State& state_;
    nft::Conntrack& conntrack_;
    Log log_;
};

}  // namespace sipalg::daemon
