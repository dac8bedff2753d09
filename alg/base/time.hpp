// Time in the core: a number that the daemon reads once per wake-up.
#pragma once

#include <chrono>

namespace sipalg {

/// Milliseconds since boot (CLOCK_BOOTTIME), so that times stay valid across a restart of the daemon.
using Time = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

}  // namespace sipalg
