// What following a message or a deadline asks of the world outside the core.
#pragma once

#include <vector>

#include "alg/pinhole.hpp"
#include "alg/report.hpp"

namespace sipalg::call {

/// Collected over one message or deadline; the parts of a Decision that calls and registrations fill in.
struct Effects {
    std::vector<Change>& changes;
    std::vector<Flow>& stale;
    std::vector<Flow>& ended;
    std::vector<Event>& events;
    bool limit = false;  ///< something was refused because a table is full (X7)
};

}  // namespace sipalg::call
