#include "alg/daemon/run/reload.hpp"

#include <exception>

namespace sipalg::daemon {

Result<Reloaded> reload(const Options& running, const std::function<Options()>& load,
                        const std::function<void(const Options&)>& apply) {
    // A copy, since apply() may change `running`.
    const Options before = running;  // NOLINT(performance-unnecessary-copy-initialization)
    Options merged = running;
    Reloaded outcome;
    try {
        const Options wanted = load();
        outcome.file = wanted.config;
        outcome.for_restart = differences_that_need_a_restart(before, wanted);
        outcome.changed = take_live_options(merged, wanted);
    } catch (const std::exception& error) {
        return Failure{std::string(error.what())};
    }
    try {
        apply(merged);
    } catch (const std::exception& error) {
        std::string text = error.what();
        try {
            apply(before);
        } catch (const std::exception& again) {
            text += std::string("; restoring the old configuration failed too: ") + again.what();
        }
        return Failure{std::move(text)};
    }
    return outcome;
}

}  // namespace sipalg::daemon
