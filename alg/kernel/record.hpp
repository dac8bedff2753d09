// Records: state for a restarted daemon, split into pieces that fit into the kernel's user data (A5).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alg/base/small_vector.hpp"
#include "alg/kernel/element.hpp"

namespace sipalg {

/// The pieces of a record that the kernel has: enough to know which of them differ from those of a newer
/// version, in less memory than the record. A hash of 64 bits may stand for the bytes, because an owner can
/// only deceive itself: a piece that is taken for unchanged is one of its own older ones.
class RecordPieces {
  public:
    RecordPieces() = default;
    RecordPieces(std::string_view record);
    RecordPieces(const std::string& record) : RecordPieces(std::string_view(record)) {}
    RecordPieces(const char* record) : RecordPieces(std::string_view(record)) {}

    bool empty() const { return hashes_.empty(); }
    std::size_t size() const { return hashes_.size(); }
    /// Whether both have the piece, with the same bytes.
    bool shares(std::size_t part, const RecordPieces& other) const {
        return part < size() && part < other.size() && hashes_[part] == other.hashes_[part];
    }
    friend bool operator==(const RecordPieces&, const RecordPieces&) = default;

  private:
    SmallVector<std::uint64_t, 3> hashes_;
};

/// A record with the hashes of its pieces.
struct WrittenRecord {
    std::string bytes;
    RecordPieces pieces{bytes};
};

/// Adds the changes that replace the record `id` `before` by `after`; either may be empty. Unchanged pieces
/// are renewed only if `renew` is set.
void store_record(std::uint32_t id, const RecordPieces& before, const WrittenRecord& after, bool renew,
                  Seconds timeout, std::vector<Change>& changes);

/// Which records a list has: those with elements of their own in the kernel, or all, for a list that takes
/// the kernel's place.
enum class RecordState : std::uint8_t { in_kernel, latest };

// A record that is written with new pinholes needs no elements of its own: its pieces are in the notes of the
// pinholes that the same transaction adds.

/// Puts the record `id` into the notes of these changes. False, and no effect: it does not fit.
[[nodiscard]] bool put_into_notes(std::uint32_t id, std::string_view record,
                                  std::span<Change* const> carriers);
/// The id of the record of which the note has a piece; 0: of none.
std::uint32_t id_in_note(std::string_view note);

// Times in records are on the clock of the daemon that wrote them. Another router or boot has another clock.
// The clock record has the state of the writer's clock: the time at which it was written, and its timeout at
// that time. The kernel counts the timeout down, so the remaining part gives the writer's clock at any later
// time. A table without a clock record was written on this clock.

/// The clock record, as an addition, or as a renewal of the one that is there. Valid for `clock_lifetime`.
Change clock_record(Change::Op op, Time now);
inline constexpr Seconds clock_lifetime{24 * 3600};

/// The difference from a time in these records to one on our clock. Zero if there is no clock record, or if
/// the difference is less than the error of timeouts, which are in seconds.
Time clock_difference(std::span<const StoredElement> elements, Time now);
/// Whether there is a clock record.
bool has_clock(std::span<const StoredElement> elements);

/// A record in the kernel.
struct StoredRecord {
    std::uint32_t id = 0;
    std::string bytes;
    Time until{0};  ///< the earliest timeout of its pieces, which need not be the same for all
    std::vector<std::uint32_t> parts{};  ///< the numbers of its pieces in order; some may be missing
    Time clock{0};          ///< clock_difference(); if it is not zero, the owner writes the record again
    bool in_notes = false;  ///< it has no pieces of its own, but notes of pinholes have it
    /// Adds the removal of all pieces.
    void remove(std::vector<Change>& changes) const;
};
/// The records among the elements by id, each joined from its pieces, without the clock record. Notes count
/// only for a record without pieces, and only if they have all of it: they may be older.
std::vector<StoredRecord> stored_records(std::span<const StoredElement> elements, Time now);

/// Writes fields in little-endian order. In the header, because a call's record has two hundred of them (P2).
class RecordWriter {
  public:
    RecordWriter() = default;
    explicit RecordWriter(std::size_t expected) : out_(expected, '\0') {}  ///< bytes
    /// The lowest `bytes` bytes of the value, at most eight.
    void number(std::uint64_t value, unsigned bytes) {
        char* const to = room(sizeof value);
        if constexpr (std::endian::native == std::endian::little)
            std::memcpy(to, &value, sizeof value);
        else
            for (unsigned i = 0; i < sizeof value; ++i)
                to[i] = static_cast<char>(value >> (8 * i));
        size_ += bytes;
    }
    /// Without their number.
    void bytes(std::string_view value) {
        if (value.empty()) return;
        std::memcpy(room(value.size()), value.data(), value.size());
        size_ += value.size();
    }
    void text(std::string_view value) {  ///< at most 65,535 bytes
        value = value.substr(0, 65535);
        number(value.size(), 2);
        bytes(value);
    }
    void address(const Address& value) {
        number(value.size(), 1);
        std::memcpy(room(value.bytes().size()), value.bytes().data(), value.bytes().size());
        size_ += value.size();
    }
    void endpoint(const Endpoint& value) {
        address(value.address);
        number(value.port, 2);
    }
    void endpoints(const std::vector<Endpoint>& values);  ///< at most 255
    std::string take() {
        out_.resize(std::exchange(size_, 0));
        return std::move(out_);
    }

  private:
    /// Room for this many bytes behind those that are written.
    char* room(std::size_t count) {
        if (out_.size() - size_ < count) out_.resize(2 * out_.size() + count);
        return out_.data() + size_;
    }

    std::string out_;  ///< longer than what is written
    std::size_t size_ = 0;
};

/// Reads the fields of RecordWriter. After the end, or after a value out of range, all fields are zero and
/// ok() is false.
class RecordReader {
  public:
    explicit RecordReader(std::string_view bytes) : rest_(bytes) {}
    std::uint64_t number(unsigned bytes);
    std::string text();
    Address address();
    Endpoint endpoint();
    std::vector<Endpoint> endpoints(std::size_t most);
    bool ok() const { return ok_; }
    bool at_end() const { return rest_.empty(); }

  private:
    std::string_view take(std::size_t count);
    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace sipalg
