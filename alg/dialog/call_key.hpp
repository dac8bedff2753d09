// The key of a call or of a pending REGISTER: its Call-ID and its phone.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "alg/net/address.hpp"

namespace sipalg {

/// The phone is part of the key because both legs of a hairpin call may carry the same Call-ID (C9).
struct CallKey {
    std::string call_id;
    Address phone;
    friend bool operator==(const CallKey&, const CallKey&) = default;
};
/// The same key as views, for look-ups.
struct CallKeyView {
    std::string_view call_id;
    Address phone;
};
struct CallKeyHash {
    using is_transparent = void;
    std::size_t operator()(const CallKeyView& key) const noexcept {
        return std::hash<std::string_view>{}(key.call_id) * 31 + std::hash<Address>{}(key.phone);
    }
    std::size_t operator()(const CallKey& key) const noexcept {
        return (*this)(CallKeyView{key.call_id, key.phone});
    }
};
struct CallKeyEqual {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const {
        return a.phone == b.phone && a.call_id == b.call_id;
    }
};

}  // namespace sipalg
