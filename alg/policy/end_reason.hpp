// Why calls end (C6). The word is also the value of the metric's label, of JSON and of SIPALG_REASON in the
// journal, and a row of sipalgd(8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sipalg {

enum class EndReason : std::uint8_t {
    bye,              ///< a BYE that was answered
    not_answered,     ///< the INVITE got a final response other than 2xx
    no_final_answer,  ///< the INVITE got none in time
    bye_unanswered,   ///< a BYE that got no answer for 32 s
    session_expired,  ///< RFC 4028
    silence,          ///< no media for too long
    closed_by_owner,  ///< sipalgctl close
    crowded_out,      ///< not answered yet, and there were too many such calls (X7)
    count_
};

inline constexpr std::size_t end_reason_count = static_cast<std::size_t>(EndReason::count_);
/// The word, e.g. "bye_unanswered".
std::string_view word(EndReason reason);
/// A clause for people, e.g. "no answer to BYE".
std::string_view sentence(EndReason reason);

}  // namespace sipalg
