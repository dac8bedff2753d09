// The command `doctor` (O3).
#pragma once

#include <optional>
#include <span>
#include <string>

#include "alg/ctl/request.hpp"
#include "alg/doctor/findings.hpp"

namespace sipalg::ctl {

/// What to examine: the settings in the daemon's `status`, the defaults without one.
doctor::Subject doctor_subject(const std::optional<Json>& status);
/// The document that --json prints: `findings` (level, id, text, command), `errors`, `warnings`.
Json doctor_document(std::span<const doctor::Finding> findings);
/// The same for people: one finding a paragraph, its command below it.
std::string doctor_text(std::span<const doctor::Finding> findings);
/// Whether exit status 0 is right: no errors and no warnings.
bool healthy(std::span<const doctor::Finding> findings);

/// Runs the examination and prints its result; the exit status. Throws NotServing without root.
int run_doctor(const std::string& control, bool json);

}  // namespace sipalg::ctl
