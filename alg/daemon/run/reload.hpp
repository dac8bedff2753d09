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
    std::string file;                      ///< the file that was read; empty: none
    std::vector<std::string> changed;      ///< options that have changed and are in force
    std::vector<std::string> for_restart;  ///< options that have changed and need a restart
};

/// Reads the configuration with `load`, copies the options that can change at run time to the present
/// options, and passes the result to `apply`. If one of them throws, the old options stay in force, and the
/// error has the reason.
[[nodiscard]] Result<Reloaded> reload(const Options& running, const std::function<Options()>& load,
                                      const std::function<void(const Options&)>& apply);

}  // namespace sipalg::daemon
