// Findings about the owner's chains: those that drop, translate or untrack what sipalg needs (A4, O3).
#pragma once

#include <string>
#include <vector>

#include "alg/doctor/facts.hpp"
#include "alg/doctor/findings.hpp"

namespace sipalg::doctor {

void append_chain_findings(const Subject& subject, const Facts& facts, std::vector<Finding>& found);

/// The command in backquotes in a sentence; empty: it has none.
std::string quoted(const std::string& text);

}  // namespace sipalg::doctor
