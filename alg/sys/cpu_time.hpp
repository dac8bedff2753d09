// The processor time of a thread, for work that may take a bounded share of a processor.
#pragma once

#include <chrono>
#include <ctime>

namespace sipalg {

/// The processor time that the calling thread has used, in user mode and in the kernel. It stands still while
/// the thread waits, for a processor too, so work on a busy machine is not taken for more work.
[[nodiscard]] inline std::chrono::nanoseconds thread_cpu_time() {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);  // cannot fail: the clock of the own thread
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace sipalg
