// The time as the core sees it: a number that the daemon reads once per wake-up.
#pragma once

#include <chrono>

namespace sipalg {

/// Milliseconds since boot (CLOCK_BOOTTIME), so that a restarted daemon goes on counting where it stopped.
using Time = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

}  // namespace sipalg
