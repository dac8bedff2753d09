// Finds the next byte of a given kind. This is the inner loop of all parsing. It tests a block of bytes at a
// time, which is faster than the C library because the next delimiter is usually near (P1, P6).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "alg/base/byte_block.hpp"

namespace sipalg::byte_scan {

// A kind of byte is a type with `matches` for one byte and for a block of bytes.

/// One of a few characters.
template <char... Set>
struct OneOf {
    static bool matches(char c) { return ((c == Set) || ...); }
    template <class Bytes>
    static auto matches(const Bytes& block) {
        return (block.equals(Set) | ...);
    }
};

/// Space, the controls below it, and DEL.
struct SpaceOrControl {
    static bool matches(char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; }
    template <class Bytes>
    static auto matches(const Bytes& block) {
        return block.in_range(0, ' ') | block.equals(0x7f);
    }
};

/// Every byte except letters, digits, '-', '.' and '_': the end of a host name or IPv4 address.
struct NotHost {
    static bool matches(char c) {
        const auto u = static_cast<unsigned char>(c);
        const auto letter = static_cast<unsigned char>((u | 0x20) - 'a');
        const auto sign = static_cast<unsigned char>(u - '-');
        return letter > 'z' - 'a' && (sign > '9' - '-' || c == '/') && c != '_';
    }
    template <class Bytes>
    static auto matches(const Bytes& block) {
        const auto sign = block.in_range('-', '9') & ~block.equals('/');
        return ~(block.lower().in_range('a', 'z') | block.equals('_') | sign);
    }
};

namespace detail {

template <class Kind>
std::size_t find_slowly(std::string_view s, std::size_t from, std::size_t end) {
    while (from < end && !Kind::matches(s[from]))
        ++from;
    return from;
}

/// The position of the first match; a result at or after `end` means that there is none. Precondition:
/// s.size() >= Bytes::width.
template <class Kind, class Bytes, bool to_the_end>
inline std::size_t find_by_blocks(std::string_view s, std::size_t from, std::size_t end) {
    const auto hits = [bytes = s.data()](std::size_t at) { return Kind::matches(Bytes(bytes + at)).hits(); };
    const std::size_t last = s.size() - Bytes::width;
    while (from <= last) {
        if (const auto found = hits(from); found.any()) return from + found.first();
        from += Bytes::width;
        if (!to_the_end && from >= end) return end;
    }
    if (from >= s.size()) return end;
    // The last block overlaps the one before; bytes seen already are left out.
    const auto found = hits(last).from(from - last);
    return found.any() ? from + found.first() : end;
}

}  // namespace detail

/// First position in [from, end) with a byte of that kind; `end` if there is none. Precondition: from <= end
/// <= s.size(). May read bytes of `s` after `end`, but none outside `s`.
template <class Kind, class Bytes = Block>
inline std::size_t find_kind(std::string_view s, std::size_t from, std::size_t end) {
    if (s.size() < Bytes::width) return detail::find_slowly<Kind>(s, from, end);
    const std::size_t found = detail::find_by_blocks<Kind, Bytes, false>(s, from, end);
    return found < end ? found : end;
}

/// The same in [from, s.size()).
template <class Kind, class Bytes = Block>
inline std::size_t find_kind(std::string_view s, std::size_t from) {
    if (s.size() < Bytes::width) return detail::find_slowly<Kind>(s, from, s.size());
    return detail::find_by_blocks<Kind, Bytes, true>(s, from, s.size());
}

template <char... Set>
inline std::size_t find(std::string_view s, std::size_t from, std::size_t end) {
    return find_kind<OneOf<Set...>>(s, from, end);
}
template <char... Set>
inline std::size_t find(std::string_view s, std::size_t from = 0) {
    return find_kind<OneOf<Set...>>(s, from);
}

/// All bytes of a kind in [from, end), one after the other. Tests each wide block once, however many matches
/// it has, so it is faster than a search for each of them. The kind must not match NUL. Precondition: from <=
/// end
/// <= s.size(). May read bytes of `s` after `end`, but none outside `s`.
template <class Kind, class Bytes = WideBlock>
class Matches {
  public:
    Matches(std::string_view s, std::size_t from, std::size_t end)
        : s_(s),
          block_(from - Bytes::width),
          whole_(s.size() < Bytes::width ? 0 : std::min(end, s.size() - Bytes::width + 1)),
          end_(end) {}

    /// The position of the next match; `end` if there is none.
    [[gnu::always_inline]] std::size_t next() {
        if constexpr (Bytes::width <= sizeof(std::size_t)) {  // matches seldom share a block
            const std::size_t begin = block_ + Bytes::width;
            const std::size_t match = begin < end_ ? find_kind<Kind, Bytes>(s_, begin, end_) : end_;
            block_ = match + 1 - Bytes::width;
            return match;
        }
        while (!hits_.any()) {
            block_ += Bytes::width;
            if (block_ < whole_) {
                hits_ = Kind::matches(Bytes(s_.data() + block_)).hits();
            } else if (block_ < end_) {
                hits_ = last_hits(s_, block_);
            } else {
                block_ = end_ - Bytes::width;  // for the next call
                return end_;
            }
        }
        const std::size_t found = block_ + hits_.first();
        hits_ = hits_.without_first();
        return found < end_ ? found : end_;
    }

  private:
    /// Those of the block that the end of the text cuts short.
    [[gnu::noinline]] static typename Bytes::Hits last_hits(std::string_view s, std::size_t block) {
        if (s.size() >= Bytes::width) {
            const std::size_t last = s.size() - Bytes::width;
            return Kind::matches(Bytes(s.data() + last)).hits().from(block - last);
        }
        char padded[Bytes::width] = {};
        std::memcpy(padded, s.data() + block, s.size() - block);
        return Kind::matches(Bytes(padded)).hits();
    }

    std::string_view s_;
    std::size_t block_;  ///< that of hits_; before the first call, the one before `from`
    std::size_t whole_;  ///< blocks before it are in `s` as a whole
    std::size_t end_;
    typename Bytes::Hits hits_{0};
};

}  // namespace sipalg::byte_scan
