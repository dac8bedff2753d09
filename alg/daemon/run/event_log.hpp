// The events of calls and registrations in the log.
#pragma once

#include <array>
#include <span>
#include <string>
#include <utility>

#include "alg/daemon/config/log_line.hpp"
#include "alg/daemon/run/rate_limit.hpp"
#include "alg/policy/event.hpp"

namespace sipalg::daemon {

/// The line for an event: "call ended: a@b: BYE; 3m12s, …". `before`: a remark to put first. `mask_numbers`:
/// see facts::mask_numbers().
LogLine event_line(const Event& event, const char* before = "", bool mask_numbers = false);
/// The duration and the media of an ended call: "3m12s; audio: 9600 packets from the phone, 9590 from the
/// peer".
std::string summary(const EndedCall& call);

/// Writes one line for each event. Each kind has its own rate limit, so that a flood of one kind does not
/// hide the others (O4).
class EventLog {
  public:
    void write(std::span<const Event> events, const char* before, Time now);
    /// Whether the last digits of telephone numbers are hidden.
    void mask_numbers(bool mask) { mask_ = mask; }

  private:
    template <std::size_t... kind>
    static std::array<RateLimit, sizeof...(kind)> limits(std::index_sequence<kind...>) {
        return {((void)kind, RateLimit(200, 50))...};
    }
    std::array<RateLimit, event_kinds> limits_ = limits(std::make_index_sequence<event_kinds>());
    bool mask_ = false;
};

}  // namespace sipalg::daemon
