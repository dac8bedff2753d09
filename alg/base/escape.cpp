#include "alg/base/escape.hpp"

#include <cstdint>

namespace sipalg {

namespace {

struct CodePoint {
    char32_t value = 0;
    std::size_t size = 0;  ///< bytes; 0: not UTF-8
};

// Only the shortest form, and no surrogates (RFC 3629), so that an overlong encoding of ESC is not accepted.
CodePoint decode(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = byte(0);
    if (first < 0x80) return {first, 1};
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < size) return {};
    char32_t value = first & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return {};
        value = value << 6 | (byte(i) & 0x3Fu);
    }
    const char32_t least = size == 4 ? 0x10000 : size == 3 ? 0x800 : 0x80;
    if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
    return {value, size};
}

bool harmless(char32_t c) {
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return false;
    const bool separator = c == 0x2028 || c == 0x2029;
    const bool direction = c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
                           (c >= 0x2066 && c <= 0x2069);
    return !separator && !direction;
}

}  // namespace

std::string escape(std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const CodePoint point = decode(text);
        const std::size_t size = point.size == 0 ? 1 : point.size;
        if (text.front() == '\\') {
            out += "\\\\";
        } else if (point.size != 0 && harmless(point.value)) {
            out += text.substr(0, size);
        } else {
            for (const char c : text.substr(0, size)) {
                out += "\\x";
                out += digits[static_cast<std::uint8_t>(c) >> 4];
                out += digits[static_cast<std::uint8_t>(c) & 15];
            }
        }
        text.remove_prefix(size);
    }
    return out;
}

std::size_t width(std::string_view text) {
    std::size_t count = 0;
    for (const char c : text)
        if ((static_cast<std::uint8_t>(c) & 0xC0) != 0x80) ++count;
    return count;
}

}  // namespace sipalg
