// Another configuration for the running daemon: SIGHUP.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "alg/base/result.hpp"
#include "alg/daemon/config/options.hpp"

namespace sipalg::daemon {

/// The outcome of a reload that succeeded.
struct Reloaded {
    std::string file;                      ///< that was read; empty: none
    std::vector<std::string> changed;      ///< options that have changed and are in force
    std::vector<std::string> for_restart;  ///< options that have changed and need a restart
};

/// Reads the configuration (`load`) and puts into force (`apply`) the options in force with the new values of
/// those that can change at run time. Both may throw: the old options stay in force then, and the error names
/// the reason.
[[nodiscard]] Result<Reloaded> reload(const Options& running, const std::function<Options()>& load,
                                      const std::function<void(const Options&)>& apply);

}  // namespace sipalg::daemon
