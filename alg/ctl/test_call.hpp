// The command `doctor --call` (O3).
#pragma once

#include <optional>
#include <string>

#include "alg/ctl/options.hpp"
#include "alg/ctl/request.hpp"
#include "alg/testcall/test_call.hpp"

namespace sipalg::ctl {

/// The ends of the call by the user's options and the answers `status` and `bindings` of a running daemon.
testcall::Request test_call_request(const Options& options, const std::optional<Json>& status,
                                    const std::optional<Json>& bindings);
/// The document that --json prints: `works`, `phone`, `provider`, `steps` (step, result, text, command),
/// `not_copied`.
Json test_call_document(const testcall::Report& report);
/// A step in text: its result, name and sentence, and the command below it.
std::string step_text(const testcall::Step& step);
/// What follows the steps: a verdict, and what the call could not test.
std::string test_call_end(const testcall::Report& report);

/// Plays the call and prints the result. Returns the exit status. Throws NotServing without root, and
/// std::runtime_error if there can be no call.
int run_test_call(const Options& options);

}  // namespace sipalg::ctl
