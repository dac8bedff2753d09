// The timers of a connection: local acknowledgement, giving up on a message, retransmission.
#pragma once

#include <vector>

#include "alg/base/time.hpp"
#include "alg/policy/reason.hpp"
#include "alg/tcp/connection.hpp"
#include "alg/tcp/output.hpp"

namespace sipalg::tcp {

/// Starts and stops the timers after a segment of `from`, depending on waiting and undelivered bytes.
/// `new_bytes`: the segment has a payload.
void update_timers(Connection& connection, Side from, bool new_bytes, Time now);

/// Handles the timers that have expired. True: a local acknowledgement was planned, and its record must be
/// stored.
bool run_timers(Connection& connection, Time now, std::vector<Reason>& reasons, std::vector<Output>& outputs);

/// The earliest time at which run_timers() has something to do; nullopt: no timer runs.
std::optional<Time> next_timer(const Connection& connection);

/// Resets both ends, and drops all queued packets.
void refuse(Connection& connection, Time now, std::vector<Output>& outputs);

}  // namespace sipalg::tcp
