// Phones and peers whose messages have proven that they handle NAT themselves (S2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "alg/base/deadline_queue.hpp"
#include "alg/base/quota.hpp"
#include "alg/base/staged_map.hpp"
#include "alg/base/time.hpp"
#include "alg/nat/phone_peer.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/limits.hpp"

namespace sipalg::nat {

enum class NatHandler : std::uint8_t {
    neither,
    phone,  ///< it writes its own public address
    peer    ///< it stores the phone's inside address and answers to the source of its packets
};

/// The pairs with an end that handles NAT. At the limits (X7) no more pairs are noted, and their messages are
/// rewritten. A pair is removed when it has exchanged no message for `idle` and the phone is not registered
/// at the peer. Changes are staged (law 4).
class NatHandling {
  public:
    static constexpr Time idle{3'600'000};
    static constexpr std::size_t max_registration = 512;

    explicit NatHandling(const Limits& limits) : limits_(limits) {}

    NatHandler of(const PhonePeer& pair) const {
        const Entry* entry = entries_.find(pair);
        return entry ? entry->handler : NatHandler::neither;
    }
    bool empty() const { return entries_.size() == 0; }
    /// Notes that one end handles NAT. True: this was not known before. A phone's NAT handling does not
    /// replace a peer's. `registration` is the Call-ID of the REGISTER whose 2xx proved it; empty: another
    /// message did.
    bool note(const PhonePeer& pair, NatHandler handler, Time now, std::string_view registration = {});
    /// Whether a REGISTER with this Call-ID must be rewritten although the peer is taken to handle NAT,
    /// because an earlier registration proved it. Its 2xx then confirms or corrects the conclusion.
    bool is_to_prove(const PhonePeer& pair, std::string_view registration) const;
    /// Notes that the two have exchanged a message.
    void refresh(const PhonePeer& pair, Time now);
    void forget(const PhonePeer& pair);

    /// `is_registered` tells whether the phone is registered at the peer.
    void expire(Time now, const std::function<bool(const PhonePeer&)>& is_registered);
    std::optional<Time> next_deadline() const { return deadlines_.next(); }
    std::size_t size() const { return entries_.size(); }
    std::size_t largest_share() const { return per_phone_.largest(); }
    /// For tests: the number of deadlines.
    std::size_t deadlines() const { return deadlines_.size(); }

    void commit();
    void cancel();

  private:
    struct Entry {
        NatHandler handler = NatHandler::neither;
        Time until{0};
        std::string registration;
    };

    const Limits& limits_;
    StagedMap<PhonePeer, Entry, PhonePeerHash> entries_;
    Quota per_phone_;
    DeadlineQueue<PhonePeer, PhonePeerHash> deadlines_;
};

}  // namespace sipalg::nat
