// The lexical rules of all parsers in this folder: character classes, white space, quoted strings (RFC 3261
// 25.1). The functions take a view and positions in it, and read nothing outside the view.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "alg/base/byte_scan.hpp"

namespace sipalg::text {

inline constexpr std::size_t npos = std::string_view::npos;

/// Classes a byte may be in, as bits.
enum Class : std::uint8_t {
    token = 1,  ///< RFC 3261 token
    white = 2,  ///< SP, HTAB, CR, LF: the bytes of LWS
    letter = 4,
    digit = 8,
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
    put("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", token | letter);
    put("0123456789", token | digit);
    put("-._!%*+`'~", token);
    put(" \t\r\n", white);
    return table;
}
inline constexpr std::array<std::uint8_t, 256> class_table = classes();
}  // namespace detail

inline bool is(char c, unsigned classes) {
    return (detail::class_table[static_cast<std::uint8_t>(c)] & classes) != 0;
}

/// The first position from `from` on whose byte is in none of the classes; the size if there is none.
inline std::size_t skip(std::string_view s, std::size_t from, unsigned classes) {
    while (from < s.size() && is(s[from], classes))
        ++from;
    return from;
}

/// Whether [from, end) is a token or empty. Optimised for tokens of letters, digits, '-', '.' and '_'.
inline bool is_token(std::string_view s, std::size_t from, std::size_t end) {
    const std::size_t plain = byte_scan::find_kind<byte_scan::NotHost>(s, from, end);
    return plain == end || skip(s, plain, token) >= end;
}

inline bool is_white(char c) {
    return static_cast<unsigned char>(c) <= ' ' && is(c, white);
}

inline bool is_blank(char c) {
    return static_cast<unsigned char>(c) <= ' ' && (c == ' ' || c == '\t');
}

/// The text without white space and folds at its ends. If there is only white space, an empty view at its
/// beginning.
inline std::string_view trim(std::string_view s) {
    const char* begin = s.data();
    const char* end = begin + s.size();
    while (begin < end && is_white(end[-1]))
        --end;
    while (begin < end && is_white(*begin))
        ++begin;
    return {begin, static_cast<std::size_t>(end - begin)};
}

/// The bytes from `from` up to, but not including, `to`.
inline std::string_view slice(std::string_view s, std::size_t from, std::size_t to) {
    return {s.data() + from, to - from};
}

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

namespace detail {
/// Sets the case bit (bit 5) where the wanted byte is a letter. Among the allowed bytes, only letters have
/// bit 6.
template <class Word>
bool same_word(const char* s, const char* lower_case) {
    Word word, wanted;
    std::memcpy(&word, s, sizeof word);
    std::memcpy(&wanted, lower_case, sizeof wanted);
    constexpr auto bit_6 = static_cast<Word>(0x4040404040404040);
    return static_cast<Word>(word | (wanted & bit_6) >> 1) == wanted;
}

/// Compares words; the last one overlaps the previous one. Precondition: at least one word.
template <class Word>
bool same_words(const char* s, const char* lower_case, std::size_t size) {
    const std::size_t last = size - sizeof(Word);
    for (std::size_t at = 0; at < last; at += sizeof(Word))
        if (!same_word<Word>(s + at, lower_case + at)) return false;
    return same_word<Word>(s + last, lower_case + last);
}
}  // namespace detail

/// Whether the texts are equal without regard to ASCII case. `lower_case` may only contain lower-case
/// letters, digits and bytes below '@'. The comparison with a literal compiles to a few word compares. Header
/// names, schemes, hosts and parameters are compared with it (S10).
inline bool equals(std::string_view s, std::string_view lower_case) {
    const std::size_t size = lower_case.size();
    if (s.size() != size) return false;
    if (size >= 8) return detail::same_words<std::uint64_t>(s.data(), lower_case.data(), size);
    if (size >= 4) return detail::same_words<std::uint32_t>(s.data(), lower_case.data(), size);
    if (size >= 2) return detail::same_words<std::uint16_t>(s.data(), lower_case.data(), size);
    return size == 0 || detail::same_word<std::uint8_t>(s.data(), lower_case.data());
}
/// Whether the texts are equal without regard to ASCII case. Both may be in any case.
inline bool equal_but_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (lower(a[i]) != lower(b[i])) return false;
    return true;
}
inline bool starts_with(std::string_view s, std::string_view lower_case) {
    return s.size() >= lower_case.size() && equals(s.substr(0, lower_case.size()), lower_case);
}

/// The position after the '"' that closes the one at `open`; npos if there is none. A backslash escapes the
/// next byte.
inline std::size_t skip_quoted(std::string_view s, std::size_t open) {
    std::size_t from = open + 1;
    for (;;) {
        const std::size_t quote = byte_scan::find<'"'>(s, from);
        if (quote == s.size()) return npos;
        std::size_t plain = quote;
        while (plain > from && s[plain - 1] == '\\')
            --plain;
        from = quote + 1;
        if ((quote - plain) % 2 == 0) return from;
    }
}

/// The same, but if the '"' is escaped or never closed (S9), the position after it. At most one search in a
/// text fails, so the iteration over all quotes takes linear time.
inline std::size_t skip_quoted_or_stray(std::string_view s, std::size_t open) {
    if (open > 0 && s[open - 1] == '\\') return open + 1;
    const std::size_t end = skip_quoted(s, open);
    return end == npos ? open + 1 : end;
}

/// Reads the decimal number at `position` and moves `position` after its digits. nullopt: no digit, or above
/// `limit`. Leading zeros are allowed.
inline std::optional<std::uint32_t> read_number(std::string_view s, std::size_t& position,
                                                std::uint32_t limit) {
    const std::size_t begin = position;
    std::uint64_t value = 0;
    for (; position < s.size(); ++position) {
        const unsigned digit = static_cast<unsigned char>(s[position]) - unsigned{'0'};
        if (digit > 9) break;
        value = value * 10 + digit;
        if (value > limit) return std::nullopt;
    }
    if (position == begin) return std::nullopt;
    return static_cast<std::uint32_t>(value);
}

/// The value of a text that is only a decimal number.
inline std::optional<std::uint32_t> number(std::string_view digits, std::uint32_t limit) {
    std::size_t position = 0;
    const auto value = read_number(digits, position, limit);
    return position == digits.size() ? value : std::nullopt;
}

}  // namespace sipalg::text
