// Calls whose far end has not answered (X11). They are the first to be removed at a limit (X7).
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "alg/base/host_queues.hpp"
#include "alg/base/hosts.hpp"
#include "alg/call/call.hpp"
#include "alg/dialog/call_key.hpp"
#include "alg/nat/phone_peer.hpp"

namespace sipalg::call {

/// Unproven calls by the host that began them. Changes are staged (law 4); a key that cancel() brings back
/// becomes the newest of its host.
class UnprovenCalls {
  public:
    explicit UnprovenCalls(const Hosts& hosts) : hosts_(hosts) {}

    /// Follows the state of the call: notes it if it is unproven, else forgets it.
    void note(const CallKey& key, const Call& call);
    void forget(const CallKey& key);
    std::size_t size() const { return queues_.size(); }
    /// The oldest call of the host with the most; nullopt: there is none.
    std::optional<CallKey> oldest_of_largest() const { return queues_.oldest_of_largest(); }
    /// The calls that the phone began, and those that the peer began.
    std::vector<CallKey> of(const nat::PhonePeer& pair) const;

    void commit() { staged_.clear(); }
    void cancel();
    void shrink() { queues_.shrink(); }

  private:
    const Hosts& hosts_;
    HostQueues<CallKey, CallKeyHash, CallKeyEqual> queues_;
    std::vector<std::pair<CallKey, std::optional<Address>>> staged_;  ///< where each key was before
};

}  // namespace sipalg::call
