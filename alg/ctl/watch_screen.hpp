// `sipalgctl watch` on a terminal: a page that is updated after each event and each second.
#pragma once

#include "alg/ctl/options.hpp"

namespace sipalg::ctl {

/// Whether stdin and stdout are a terminal.
bool on_terminal();
/// Shows the page until q, a signal, or --seconds. Returns the exit status. Throws NotServing if there is no
/// daemon at the start; later the page shows this.
int watch_on_screen(const Options& options);

}  // namespace sipalg::ctl
