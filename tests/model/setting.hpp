// The constants of the world.
#pragma once

#include <algorithm>
#include <array>

#include "tests/model/world.hpp"

namespace sipalg::model {

inline const Address wan = Address::v4(0xCB007101);  // 203.0.113.1
inline const std::array phones{*Endpoint::parse("192.168.1.10:5060"), *Endpoint::parse("192.168.1.11:5060")};
inline bool is_signalling(const Endpoint& inside) {
    return std::find(phones.begin(), phones.end(), inside) != phones.end();
}
inline const std::array peers{*Endpoint::parse("203.0.113.10:5060"), *Endpoint::parse("203.0.113.20:5060")};
inline constexpr int registration_s = 86'400;
inline constexpr Time retransmission_time{32'000};
inline constexpr std::size_t call_ceiling = 12;
inline constexpr std::size_t unanswered_ceiling = 10;  ///< more than there are ever at the same time
inline constexpr std::size_t room_lines = 6;  ///< check_room() uses all mappings of the phone's share

inline Egress egress() {
    return {wan, wan};
}

}  // namespace sipalg::model
