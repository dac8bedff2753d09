// Makes changes of elements from absolute times.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "alg/kernel/element.hpp"

namespace sipalg {

/// A change that gives the element a timeout until `until`: whole seconds, rounded up, at least one (X8).
inline Change change(Change::Op op, Element element, Time until, Time now) {
    const auto left = std::chrono::ceil<Seconds>(until - now);
    return {op, std::move(element), std::max(left, Seconds{1})};
}

inline Change removal(Element element) {
    return {Change::Op::remove, std::move(element), Seconds{0}};
}

}  // namespace sipalg
