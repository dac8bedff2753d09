// The key of a call or of a pending REGISTER: its Call-ID, its phone, and the leg.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "alg/base/shared_text.hpp"
#include "alg/net/address.hpp"

namespace sipalg {

/// The phone is part of the key because both legs of a hairpin call may carry the same Call-ID (C9). So may
/// two legs at one address: lines of a device that call each other, or a proxy inside. They are numbered in
/// the order in which they begin, and most calls have only leg 0.
struct CallKey {
    SharedText call_id;
    Address phone;
    std::uint8_t leg = 0;
    friend bool operator==(const CallKey&, const CallKey&) = default;
};
/// The same key as views, for look-ups.
struct CallKeyView {
    std::string_view call_id;
    Address phone;
    std::uint8_t leg = 0;
};
// Not noexcept, so that the tables store each entry's hash: a walk along a bucket reads no other Call-ID.
struct CallKeyHash {
    using is_transparent = void;
    std::size_t operator()(const CallKeyView& key) const {
        return of(std::hash<std::string_view>{}(key.call_id), key.phone, key.leg);
    }
    std::size_t operator()(const CallKey& key) const { return of(key.call_id.hash(), key.phone, key.leg); }

  private:
    static std::size_t of(std::size_t call_id, const Address& phone, std::uint8_t leg) {
        return call_id * 31 + std::hash<Address>{}(phone) + leg;
    }
};
struct CallKeyEqual {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const {
        return a.leg == b.leg && a.phone == b.phone && a.call_id == b.call_id;
    }
};

}  // namespace sipalg
