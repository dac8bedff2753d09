// The processor time of a thread, for work that may take a bounded share of a processor.
#pragma once

#include <chrono>
#include <ctime>

namespace sipalg {

/// The processor time that the calling thread has used, in user mode and in the kernel. Waiting does not
/// count, even for a processor, so the same work has the same time on a busy machine.
[[nodiscard]] inline std::chrono::nanoseconds thread_cpu_time() {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);  // cannot fail: the clock of the own thread
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace sipalg
