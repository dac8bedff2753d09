#include "alg/policy/end_reason.hpp"

#include <array>

#include "alg/base/enum_rows.hpp"

namespace sipalg {

namespace {

struct Row {
    EndReason reason;
    std::string_view word;
    std::string_view sentence;
};

constexpr std::array rows{
    Row{EndReason::bye, "bye", "BYE"},
    Row{EndReason::not_answered, "not_answered", "not answered"},
    Row{EndReason::no_final_answer, "no_final_answer", "no final answer"},
    Row{EndReason::bye_unanswered, "bye_unanswered", "no answer to BYE"},
    Row{EndReason::session_expired, "session_expired", "session timer expired"},
    Row{EndReason::silence, "silence", "silence"},
    Row{EndReason::closed_by_owner, "closed_by_owner", "closed by the owner"},
    Row{EndReason::crowded_out, "crowded_out", "no answer yet, and there are too many such calls"},
};

static_assert(is_in_order(rows, &Row::reason));

}  // namespace

std::string_view word(EndReason reason) {
    return rows[static_cast<std::size_t>(reason)].word;
}
std::string_view sentence(EndReason reason) {
    return rows[static_cast<std::size_t>(reason)].sentence;
}

}  // namespace sipalg
