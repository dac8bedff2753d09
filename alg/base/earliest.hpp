// The earliest of several deadlines, each of which may be absent.
#pragma once

#include <initializer_list>
#include <optional>

#include "alg/base/time.hpp"

namespace sipalg {

/// nullopt: all are absent.
inline std::optional<Time> earliest(std::initializer_list<std::optional<Time>> deadlines) {
    std::optional<Time> first;
    for (const std::optional<Time>& deadline : deadlines)
        if (deadline && (!first || *deadline < *first)) first = deadline;
    return first;
}

}  // namespace sipalg
