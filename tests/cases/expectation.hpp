// What a case expects of the router: one step of it, or of every step.
#pragma once

#include <string>

#include "tests/cases/router.hpp"
#include "tests/cases/text.hpp"

namespace sipalg::test {

/// False: the step is no expectation. One that is not met throws std::runtime_error that tells both sides.
bool is_met(const Step& step, Router& router);

/// What people are shown is what there is. Throws as well.
void check_reports(Router& router);

/// Throws unless both are the same.
void same_text(const char* what, const std::string& expected, const std::string& found);

}  // namespace sipalg::test
