// Finds the next byte of a given kind. This is the inner loop of all parsing. With SSE2 (every x86-64) it
// tests sixteen bytes at a time, which is faster than the C library because the next delimiter is usually
// near.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sipalg::byte_scan {

// A kind of byte is a type with `matches` for one byte and for sixteen, where 0xff means a match.

/// One of a few characters.
template <char... Set>
struct OneOf {
    static bool matches(char c) { return ((c == Set) || ...); }
#if defined(__SSE2__)
    static __m128i matches(__m128i block) {
        __m128i found = _mm_setzero_si128();
        ((found = _mm_or_si128(found, _mm_cmpeq_epi8(block, _mm_set1_epi8(Set)))), ...);
        return found;
    }
#endif
};

#if defined(__SSE2__)
namespace detail {
/// lowest <= byte <= lowest + extent, unsigned.
inline __m128i in_range(__m128i block, char lowest, char extent) {
    const __m128i offset = _mm_sub_epi8(block, _mm_set1_epi8(lowest));
    return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(extent)), offset);
}
}  // namespace detail
#endif

/// Space, the controls below it, and DEL.
struct SpaceOrControl {
    static bool matches(char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; }
#if defined(__SSE2__)
    static __m128i matches(__m128i block) {
        return _mm_or_si128(detail::in_range(block, 0, ' '), _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f)));
    }
#endif
};

/// Every byte except letters, digits, '-', '.' and '_': the end of a host name or IPv4 address.
struct NotHost {
    static bool matches(char c) {
        const auto u = static_cast<unsigned char>(c);
        const auto letter = static_cast<unsigned char>((u | 0x20) - 'a');
        const auto sign = static_cast<unsigned char>(u - '-');
        return letter > 'z' - 'a' && (sign > '9' - '-' || c == '/') && c != '_';
    }
#if defined(__SSE2__)
    static __m128i matches(__m128i block) {
        const __m128i letter = detail::in_range(_mm_or_si128(block, _mm_set1_epi8(0x20)), 'a', 'z' - 'a');
        const __m128i sign = detail::in_range(block, '-', '9' - '-');
        const __m128i slash = _mm_cmpeq_epi8(block, _mm_set1_epi8('/'));
        const __m128i underscore = _mm_cmpeq_epi8(block, _mm_set1_epi8('_'));
        const __m128i host = _mm_or_si128(_mm_or_si128(letter, underscore), _mm_andnot_si128(slash, sign));
        return _mm_cmpeq_epi8(host, _mm_setzero_si128());
    }
#endif
};

namespace detail {

template <class Kind>
std::size_t find_slowly(std::string_view s, std::size_t from, std::size_t end) {
    while (from < end && !Kind::matches(s[from]))
        ++from;
    return from;
}

#if defined(__SSE2__)
/// The position of the first match; a result at or after `end` means that there is none. s.size() >= 16.
template <class Kind, bool to_the_end>
inline std::size_t find_by_blocks(std::string_view s, std::size_t from, std::size_t end) {
    constexpr std::size_t width = 16;
    const char* const bytes = s.data();
    const auto hits = [bytes](std::size_t at) {
        const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + at));
        return static_cast<unsigned>(_mm_movemask_epi8(Kind::matches(block)));
    };
    const std::size_t last = s.size() - width;
    while (from <= last) {
        const unsigned found = hits(from);
        if (found != 0) return from + static_cast<std::size_t>(std::countr_zero(found));
        from += width;
        if (!to_the_end && from >= end) return end;
    }
    // The last block overlaps the one before; bytes seen already are shifted out.
    const unsigned found = hits(last) >> (from - last);
    return found != 0 ? from + static_cast<std::size_t>(std::countr_zero(found)) : end;
}
#endif

}  // namespace detail

/// First position in [from, end) with a byte of that kind; `end` if there is none. from <= end <= s.size().
/// May read bytes of `s` after `end`, but none outside `s`.
template <class Kind>
inline std::size_t find_kind(std::string_view s, std::size_t from, std::size_t end) {
#if defined(__SSE2__)
    if (s.size() >= 16) {
        const std::size_t found = detail::find_by_blocks<Kind, false>(s, from, end);
        return found < end ? found : end;
    }
#endif
    return detail::find_slowly<Kind>(s, from, end);
}

/// The same in [from, s.size()).
template <class Kind>
inline std::size_t find_kind(std::string_view s, std::size_t from) {
#if defined(__SSE2__)
    if (s.size() >= 16) return detail::find_by_blocks<Kind, true>(s, from, s.size());
#endif
    return detail::find_slowly<Kind>(s, from, s.size());
}

template <char... Set>
inline std::size_t find(std::string_view s, std::size_t from, std::size_t end) {
    return find_kind<OneOf<Set...>>(s, from, end);
}
template <char... Set>
inline std::size_t find(std::string_view s, std::size_t from = 0) {
    return find_kind<OneOf<Set...>>(s, from);
}

/// The first `A` or `B` at or after `from`, and the first `B` at or after that; each is s.size() if there is
/// none. The two are often close together, so one test of sixteen bytes usually finds both.
struct Pair {
    std::size_t first, second;
};
template <char A, char B>
inline Pair find_pair(std::string_view s, std::size_t from) {
#if defined(__SSE2__)
    constexpr std::size_t width = 16;
    if (from + width <= s.size()) {
        const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(s.data() + from));
        const auto bits = [](__m128i found) { return static_cast<unsigned>(_mm_movemask_epi8(found)); };
        const unsigned b = bits(OneOf<B>::matches(block));
        const unsigned either = bits(OneOf<A>::matches(block)) | b;
        if (either != 0) {
            const auto first = static_cast<unsigned>(std::countr_zero(either));
            const unsigned behind = b >> first;
            return {from + first, behind != 0 ? from + first + static_cast<unsigned>(std::countr_zero(behind))
                                              : find<B>(s, from + width)};
        }
        from += width;
    }
#endif
    const std::size_t first = find<A, B>(s, from);
    return {first, find<B>(s, first)};
}

}  // namespace sipalg::byte_scan
