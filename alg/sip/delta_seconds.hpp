// Lifetimes in messages: delta-seconds (RFC 3261 25.1).
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "alg/sip/message.hpp"

namespace sipalg::sip {

/// The longest lifetime. Values near 2^32 mean "as long as possible".
inline constexpr std::int64_t longest_delta = 86400;

/// The number at the beginning of `text`, in seconds, at most a day; nullopt: there is no number.
inline std::optional<std::int64_t> delta_seconds(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) return longest_delta;
    if (error != std::errc{} || end == text.data() || value < 0) return std::nullopt;
    return std::min(value, longest_delta);
}

/// The same for the first header with that id; nullopt: there is no such header, or no number in it.
inline std::optional<std::int64_t> delta_seconds(const sip::Message& message, sip::HeaderId id) {
    const sip::Header* header = message.first(id);
    return header ? delta_seconds(header->value) : std::nullopt;
}

}  // namespace sipalg::sip
