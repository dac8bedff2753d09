// Gives the verdicts of a connection's packets after the kernel has answered.
#pragma once

#include <vector>

#include "alg/base/time.hpp"
#include "alg/tcp/connection.hpp"
#include "alg/tcp/output.hpp"
#include "alg/tcp/step.hpp"

namespace sipalg::tcp {

/// Whether the queue has room for one more segment (X7).
struct Room {
    bool in_queue = false;   ///< the number of packets that wait for a verdict
    bool in_memory = false;  ///< for bytes
};

/// Carries out `step` for its connection: gives verdicts to the packet and to queued packets that can be sent
/// now.
void conclude_packet(const Step& step, Connection& connection, bool in_force, const Room& room, Time now,
                     std::vector<Output>& outputs);
/// Sends the planned local acknowledgements of a connection, or cancels them.
void conclude_local_ack(Connection& connection, bool in_force, Time now, std::vector<Output>& outputs);

}  // namespace sipalg::tcp
