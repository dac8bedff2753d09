// The page that `sipalgctl watch` shows on a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "alg/ctl/request.hpp"

namespace sipalg::ctl {

/// The daemon's answers to `status`, `calls`, `bindings` and `calls --ended`. A list is an array, or
/// {"total": NUMBER, "rows": [...]} with its first rows.
struct Snapshot {
    Json status, calls, bindings, ended;
    std::chrono::steady_clock::time_point at{}, lists_at{};  ///< when status and the lists were asked for
};

struct ScreenSize {
    std::size_t rows = 24, columns = 80;
};

/// Verdict, totals, rates since `before`, warnings, calls, ended calls and registrations, at most `size`
/// large: lists that do not fit end in "… more". Lines end in \n, but the last one does not. Escaped.
std::string screen(const Snapshot& now, const std::optional<Snapshot>& before, ScreenSize size,
                   std::chrono::system_clock::time_point wall);

}  // namespace sipalg::ctl
