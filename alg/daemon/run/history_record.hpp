// The history of calls as bytes, for the state file (A5, O9).
#pragma once

#include <string>
#include <string_view>

#include "alg/base/result.hpp"
#include "alg/daemon/run/history.hpp"

namespace sipalg::daemon {

/// All rows, oldest first; empty: there are none. The times are those of the core's clock, so only a daemon
/// of the same boot can read them; the state file ensures that.
std::string write_history(const History& history);

/// Restores the rows of write_history() into `history`. Empty bytes have no rows. On an error, which gives
/// the reason, nothing is restored.
Result<> read_history(std::string_view bytes, History& history);

}  // namespace sipalg::daemon
