// Elements as bytes, for a file that the next daemon reads (A5).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alg/kernel/element.hpp"

namespace sipalg {

/// The additions among the changes. SequenceMapped and LatchedSource are left out: the first belongs to TCP
/// connections that a clean stop resets, the second is the kernel's.
std::string write_elements(std::span<const Change> changes);

/// Additions of the elements with their remaining time, `elapsed` after they were written. Expired elements
/// that let an outside host in are left out. Other elements get at least a minute: calls and bindings, whose
/// deadlines are in the records, acquire those that they need, and State::restore() removes the rest.
/// nullopt: another layout, or damaged.
std::optional<std::vector<Change>> read_elements(std::string_view bytes, Time elapsed);

}  // namespace sipalg
