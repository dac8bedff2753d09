// One call in full, for `sipalgctl call`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alg/core/ladder.hpp"
#include "alg/core/report.hpp"
#include "alg/policy/end_reason.hpp"

namespace sipalg {

/// A pending timeout of a call, or of its dialogs and offers.
struct TimerReport {
    enum class Ends : std::uint8_t {
        call,
        dialog,  ///< one of the call's dialogs; the call if it is the last
        forks,   ///< the forks that have not been answered (C3)
        offer    ///< it counts as refused (C4)
    };
    Ends ends = Ends::call;
    EndReason why = EndReason::silence;  ///< of a call or dialog
    std::int64_t in_s = 0;
};
/// "call", "dialog", "forks", "offer"
std::string_view word(TimerReport::Ends ends);
/// One sentence for people: "the call ends if no media are seen", …
std::string_view sentence(const TimerReport& timer);

/// One leg of a Call-ID at one phone.
struct CallDetail {
    CallReport call;
    std::vector<TimerReport> timers;  ///< the earliest first
    Time begun{0};                    ///< of the first step
    std::vector<LadderStep> ladder;   ///< legs of one Call-ID at one phone share it
    std::uint32_t left_out = 0;       ///< see Ladder
};

/// All legs of a Call-ID, in the order of report_calls().
std::vector<CallDetail> report_call(const State& state, std::string_view call_id, Time now);

}  // namespace sipalg
