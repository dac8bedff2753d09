// The calls that have ended.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <utility>

#include "alg/policy/ended_call.hpp"
#include "alg/policy/event.hpp"

namespace sipalg::daemon {

/// Keeps the latest calls that have ended (O9), and counts all of them by reason. Bounded in calls, and in
/// bytes by call.
class History {
  public:
    static constexpr std::size_t longest_call_id = 256;  ///< bytes; longer ones are cut
    static constexpr std::size_t most_media = 8;         ///< of a call

    struct Row {
        EndedCall call;
        bool observed = false;  ///< mode `observe`
    };

    /// Sets the number of calls to keep; 0: none. Removes the oldest beyond it.
    void keep(std::size_t calls);
    /// Whether the last digits of telephone numbers are hidden in calls that end from now on.
    void mask_numbers(bool mask) { mask_ = mask; }
    /// Adds the calls that these events end.
    void take(std::span<const Event> events, bool observed);
    /// Adds a call of an earlier run, which is not counted again. Call it before take().
    void restore(Row row) { keep_row(std::move(row)); }

    /// Oldest first.
    const std::deque<Row>& rows() const { return rows_; }
    /// Calls since the start, by EndReason, without those of mode `observe`.
    const std::array<std::uint64_t, end_reason_count>& ended() const { return ended_; }

  private:
    void keep_row(Row row);

    std::size_t most_ = 200;
    bool mask_ = false;
    std::deque<Row> rows_;
    std::array<std::uint64_t, end_reason_count> ended_{};
};

/// The sides that have sent media: "both", "phone", "peer" or "none"; empty: not measured, or the call was
/// not answered.
std::string_view media_from(const EndedCall& call);

}  // namespace sipalg::daemon
