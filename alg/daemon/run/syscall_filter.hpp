// The system calls that the running daemon may make (X9).
#pragma once

#include <optional>
#include <string>

namespace sipalg::daemon {

/// Theory of operation. The filter is loaded into all threads once everything is open, so its list is short.
/// A call that only an attacker would make (another program, a new process, code that becomes executable,
/// namespaces, tracing) ends the process. Any other call that is not listed fails with ENOSYS and is logged
/// by the kernel (audit): a C library that is newer than the list then falls back to an older call, and the
/// gateway continues to work. A build with a sanitizer, which needs more calls, only logs both kinds.
///
/// Returns a warning if the kernel or libseccomp refuses; the daemon then runs without a filter. The filter
/// cannot be removed.
[[nodiscard]] std::optional<std::string> load_syscall_filter();

}  // namespace sipalg::daemon
