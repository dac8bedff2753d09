// Phones and peers that mind NAT themselves, as their messages have shown (S2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "alg/address.hpp"
#include "alg/call/deadlines.hpp"
#include "alg/call/ledger.hpp"
#include "alg/call/per_phone.hpp"
#include "alg/time.hpp"

namespace sipalg::call {

enum class Minds : std::uint8_t {
    nobody,
    phone,  ///< it writes its public address by itself
    peer    ///< it keeps the phone's inside address and answers to where packets came from
};

/// A phone and a peer that talk with each other.
struct Pair {
    Address phone, peer;
    friend auto operator<=>(const Pair&, const Pair&) = default;
};
struct PairHash {
    std::size_t operator()(const Pair& pair) const {
        return std::hash<Address>{}(pair.phone) * 31 + std::hash<Address>{}(pair.peer);
    }
};

/// Bounded (X7): beyond its ceilings nothing more is learned, and messages are rewritten as if nobody minded.
/// What was learned is forgotten when the pair has been silent for `idle` and no registration holds it.
class NatMinding {
  public:
    static constexpr std::size_t most = 4096;
    static constexpr std::size_t most_per_phone = 32;
    static constexpr Time idle{3'600'000};

    Minds of(const Pair& pair) const {
        const Entry* entry = entries_.find(pair);
        return entry ? entry->minds : Minds::nobody;
    }
    bool empty() const { return entries_.size() == 0; }
    /// True: that is new. A phone's minding does not replace a peer's.
    bool note(const Pair& pair, Minds minds, Time now);
    /// The two talk with each other.
    void keep(const Pair& pair, Time now);
    void forget(const Pair& pair);

    /// `held` tells whether the phone is registered at the peer.
    void expire(Time now, const std::function<bool(const Pair&)>& held);
    std::optional<Time> next_deadline() const { return deadlines_.next(); }

    void commit();
    void cancel();

  private:
    struct Entry {
        Minds minds = Minds::nobody;
        Time until{0};
        Time due{0};  ///< when the deadline queue will name it
    };
    void schedule(const Pair& pair, Entry& entry);

    Ledger<Pair, Entry, PairHash> entries_;
    PerPhone per_phone_;
    Deadlines<Pair> deadlines_;
};

}  // namespace sipalg::call
