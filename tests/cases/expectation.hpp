// Checks the expectations of a case, and what must hold after every step.
#pragma once

#include <string>

#include "tests/cases/router.hpp"
#include "tests/cases/text.hpp"

namespace sipalg::test {

/// Checks a step that states an expectation. Returns false if the step is of another kind. Throws
/// std::runtime_error with the expected and the found text if the expectation is not met.
bool is_met(const Step& step, Router& router);

/// Checks that the reports for sipalgctl match the elements in the kernel. Throws std::runtime_error.
void check_reports(Router& router);

/// Throws std::runtime_error unless both are equal.
void same_text(const char* what, const std::string& expected, const std::string& found);

}  // namespace sipalg::test
