// Tests several consecutive bytes at the same time: sixteen with SSE2 (every x86-64), else those of a machine
// word.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sipalg::byte_scan {

// Both blocks have the same members. `equals` and `in_range` return a Match, which combines with | & ~ and
// turns into Hits: an integer in which a byte that matches has set bits, the first byte in the lowest ones.

/// Positions in an integer with `bits` bits for each byte, of which one is set where it matches.
template <class Integer, unsigned bits>
class HitsOf {
  public:
    explicit HitsOf(Integer hits) : hits_(hits) {}
    bool any() const { return hits_ != 0; }
    Integer mask() const { return hits_; }
    /// The position of the first byte that matches. Precondition: any().
    std::size_t first() const { return static_cast<unsigned>(std::countr_zero(hits_)) / bits; }
    /// Without the first byte that matches. Precondition: any().
    HitsOf without_first() const { return HitsOf(static_cast<Integer>(hits_ & (hits_ - 1))); }
    /// Without the first `count` bytes. Precondition: the block has more.
    HitsOf from(std::size_t count) const { return HitsOf(static_cast<Integer>(hits_ >> (count * bits))); }

  private:
    Integer hits_;
};

/// The bytes of a word. The result of a test is the highest bit of each byte; other bits of a Match mean
/// nothing. No sum carries into the next byte, because the highest bits are cleared before.
class WordBlock {
  public:
    using Word = std::size_t;
    using Hits = HitsOf<Word, 8>;
    static constexpr std::size_t width = sizeof(Word);

    class Match {
      public:
        explicit Match(Word bits) : bits_(bits) {}
        friend Match operator|(Match a, Match b) { return Match(a.bits_ | b.bits_); }
        friend Match operator&(Match a, Match b) { return Match(a.bits_ & b.bits_); }
        friend Match operator~(Match a) { return Match(~a.bits_); }
        Hits hits() const { return Hits(bits_ & each(0x80)); }

      private:
        Word bits_;
    };

    explicit WordBlock(const char* bytes) {
        std::memcpy(&word_, bytes, width);
        if constexpr (std::endian::native == std::endian::big) word_ = swapped(word_);
    }

    Match equals(char c) const {
        const Word other = word_ ^ each(static_cast<unsigned char>(c));
        return ~Match(((other & each(0x7f)) + each(0x7f)) | other);
    }
    /// lowest <= byte <= highest; both are ASCII.
    Match in_range(unsigned char lowest, unsigned char highest) const {
        const Word low_bits = word_ & each(0x7f);
        return Match(low_bits + each(0x80U - lowest)) & ~Match((low_bits + each(0x7fU - highest)) | word_);
    }
    /// Converts letters to lower case; other bytes may change too.
    WordBlock lower() const { return WordBlock(word_ | each(0x20)); }

  private:
    explicit WordBlock(Word word) : word_(word) {}
    static constexpr Word each(unsigned byte) { return ~Word{0} / 255 * byte; }
    static Word swapped(Word word) {
        if constexpr (width == 8)
            return static_cast<Word>(__builtin_bswap64(word));
        else
            return static_cast<Word>(__builtin_bswap32(static_cast<std::uint32_t>(word)));
    }

    Word word_ = 0;
};

#if defined(__SSE2__)
class SseBlock {
  public:
    using Hits = HitsOf<unsigned, 1>;
    static constexpr std::size_t width = 16;

    class Match {
      public:
        explicit Match(__m128i bytes) : bytes_(bytes) {}
        friend Match operator|(Match a, Match b) { return Match(_mm_or_si128(a.bytes_, b.bytes_)); }
        friend Match operator&(Match a, Match b) { return Match(_mm_and_si128(a.bytes_, b.bytes_)); }
        friend Match operator~(Match a) { return Match(_mm_cmpeq_epi8(a.bytes_, _mm_setzero_si128())); }
        Hits hits() const { return Hits(static_cast<unsigned>(_mm_movemask_epi8(bytes_))); }

      private:
        __m128i bytes_;  ///< 0xff: a match
    };

    explicit SseBlock(const char* bytes) : bytes_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))) {}

    Match equals(char c) const { return Match(_mm_cmpeq_epi8(bytes_, _mm_set1_epi8(c))); }
    Match in_range(unsigned char lowest, unsigned char highest) const {
        const __m128i offset = _mm_sub_epi8(bytes_, _mm_set1_epi8(static_cast<char>(lowest)));
        const __m128i extent = _mm_set1_epi8(static_cast<char>(highest - lowest));
        return Match(_mm_cmpeq_epi8(_mm_min_epu8(offset, extent), offset));
    }
    SseBlock lower() const { return SseBlock(_mm_or_si128(bytes_, _mm_set1_epi8(0x20))); }

  private:
    explicit SseBlock(__m128i bytes) : bytes_(bytes) {}

    __m128i bytes_;
};

/// Four blocks, for a search that goes through a whole text.
class WideSseBlock {
  public:
    using Hits = HitsOf<std::uint64_t, 1>;
    static constexpr std::size_t width = 4 * SseBlock::width;

    class Match {
      public:
        explicit Match(const std::array<SseBlock::Match, 4>& parts) : parts_(parts) {}
        friend Match operator|(const Match& a, const Match& b) {
            return Match({a.parts_[0] | b.parts_[0], a.parts_[1] | b.parts_[1], a.parts_[2] | b.parts_[2],
                          a.parts_[3] | b.parts_[3]});
        }
        Hits hits() const { return Hits(part(0) | part(1) | part(2) | part(3)); }

      private:
        std::uint64_t part(unsigned i) const {
            return std::uint64_t{parts_[i].hits().mask()} << (i * SseBlock::width);
        }
        std::array<SseBlock::Match, 4> parts_;
    };

    explicit WideSseBlock(const char* bytes)
        : parts_{SseBlock(bytes), SseBlock(bytes + SseBlock::width), SseBlock(bytes + 2 * SseBlock::width),
                 SseBlock(bytes + 3 * SseBlock::width)} {}

    Match equals(char c) const {
        return Match({parts_[0].equals(c), parts_[1].equals(c), parts_[2].equals(c), parts_[3].equals(c)});
    }

  private:
    std::array<SseBlock, 4> parts_;
};
using Block = SseBlock;
using WideBlock = WideSseBlock;
#else
using Block = WordBlock;
using WideBlock = WordBlock;
#endif

}  // namespace sipalg::byte_scan
