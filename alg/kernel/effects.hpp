// The effects of a message or a deadline outside the core.
#pragma once

#include <vector>

#include "alg/kernel/element.hpp"
#include "alg/policy/event.hpp"

namespace sipalg {

/// The parts of a Decision that calls and registrations add to, for one message or deadline.
struct Effects {
    std::vector<Change>& changes;
    std::vector<ConntrackTuple>& stale;
    std::vector<ConntrackTuple>& ended;
    std::vector<Event>& events;
    bool limit = false;  ///< refused, because a table is full or an identifier too long (X7)
};

}  // namespace sipalg
