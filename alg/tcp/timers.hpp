// The timers of a connection: local acknowledgement, giving up on a message, retransmission.
#pragma once

#include <vector>

#include "alg/base/time.hpp"
#include "alg/policy/reason.hpp"
#include "alg/tcp/connection.hpp"
#include "alg/tcp/output.hpp"

namespace sipalg::tcp {

/// Starts and stops timers after a segment of `from`, as far as something waits or is undelivered.
/// `new_bytes`: the segment has a payload.
void update_timers(Connection& connection, Side from, bool new_bytes, Time now);

/// Does what is due. True: a local acknowledgement was planned, and a record has to be stored for it.
bool run_timers(Connection& connection, Time now, std::vector<Reason>& reasons, std::vector<Output>& outputs);

/// The earliest time at which run_timers() has something to do; nullopt: no timer runs.
std::optional<Time> next_timer(const Connection& connection);

/// Resets both ends, and drops what is queued.
void refuse(Connection& connection, Time now, std::vector<Output>& outputs);

}  // namespace sipalg::tcp
