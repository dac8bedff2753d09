// The lexical ground that all parsers here stand on: character classes, white space, quoted strings
// (RFC 3261 25.1). Every function takes a view and positions inside it and reads nothing beyond.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace sipalg::text {

inline constexpr std::size_t npos = std::string_view::npos;

/// Classes a byte may be in, as bits.
enum Class : std::uint8_t {
    token = 1,  ///< RFC 3261 token
    white = 2,  ///< SP, HTAB, CR, LF: what LWS is made of
    host = 4,   ///< of a host name or IPv4 address; '%' is not in it
    digit = 8,
    before_uri = 16,  ///< ends the scan for the URI of a name-addr: " < , ;
    in_value = 32,    ///< ends the scan of a parameter's value: " , ;
    in_name = 64,     ///< ends the scan of a parameter's name: " , ; =
};

namespace detail {
constexpr std::array<std::uint8_t, 256> classes() {
    std::array<std::uint8_t, 256> table{};
    const auto put = [&table](std::string_view characters, unsigned bits) {
        for (const char c : characters) {
            auto& entry = table[static_cast<std::uint8_t>(c)];
            entry = static_cast<std::uint8_t>(entry | bits);
        }
    };
    put("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", token | host);
    put("0123456789", token | host | digit);
    put("-._", token | host);
    put("!%*+`'~", token);
    put(" \t\r\n", white);
    put("\",;", before_uri | in_value | in_name);
    put("<", before_uri);
    put("=", in_name);
    return table;
}
inline constexpr std::array<std::uint8_t, 256> class_table = classes();
}  // namespace detail

inline bool is(char c, unsigned classes) {
    return (detail::class_table[static_cast<std::uint8_t>(c)] & classes) != 0;
}

/// First position from `from` whose byte is in one of the classes (find) or in none of them (skip); the size
/// if there is none.
inline std::size_t find(std::string_view s, std::size_t from, unsigned classes) {
    while (from < s.size() && !is(s[from], classes))
        ++from;
    return from;
}
inline std::size_t skip(std::string_view s, std::size_t from, unsigned classes) {
    while (from < s.size() && is(s[from], classes))
        ++from;
    return from;
}

/// Without white space (folds included) at its ends.
inline std::string_view trim(std::string_view s) {
    while (!s.empty() && is(s.front(), white))
        s.remove_prefix(1);
    while (!s.empty() && is(s.back(), white))
        s.remove_suffix(1);
    return s;
}

/// From `from` up to, but not including, `to`.
inline std::string_view slice(std::string_view s, std::size_t from, std::size_t to) {
    return {s.data() + from, to - from};
}

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

/// Equal without regard to ASCII case. `lower_case` must be in lower case.
inline bool equals(std::string_view s, std::string_view lower_case) {
    if (s.size() != lower_case.size()) return false;
    for (std::size_t i = 0; i < s.size(); ++i)
        if (lower(s[i]) != lower_case[i]) return false;
    return true;
}
inline bool starts_with(std::string_view s, std::string_view lower_case) {
    return s.size() >= lower_case.size() && equals(s.substr(0, lower_case.size()), lower_case);
}

/// `open` is where a '"' stands: the position behind the closing one, npos if there is none. A backslash
/// takes the next byte out of the game.
inline std::size_t skip_quoted(std::string_view s, std::size_t open) {
    std::size_t from = open + 1;
    for (;;) {
        const std::size_t quote = s.find('"', from);
        if (quote == npos) return npos;
        std::size_t plain = quote;
        while (plain > from && s[plain - 1] == '\\')
            --plain;
        from = quote + 1;
        if ((quote - plain) % 2 == 0) return from;
    }
}

/// A decimal number of at least one digit and nothing else, at most `limit`.
inline std::optional<std::uint32_t> number(std::string_view digits, std::uint32_t limit) {
    if (digits.empty()) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
        if (value > limit) return std::nullopt;
    }
    return static_cast<std::uint32_t>(value);
}

}  // namespace sipalg::text
