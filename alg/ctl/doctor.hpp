// The command `doctor` (O3).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alg/ctl/request.hpp"
#include "alg/doctor/findings.hpp"

namespace sipalg::ctl {

/// The settings to examine: those in the daemon's `status`, or the defaults if no daemon has answered.
doctor::Subject doctor_subject(const std::optional<Json>& status);
/// The address in a field that has an address or an endpoint; nullopt: it has neither.
std::optional<Address> address_in(const Json& row, const char* name);
/// The peers that have sent no media in the latest of their calls, although the phone has. `calls` and
/// `ended`: the rows of `calls` and of `calls --ended`, the latest first.
std::vector<std::string> silent_peers(const Json& calls, const Json& ended);
/// A8. The command that lets the `flow add` rules of a chain leave out signalling. `listed`: what `nft -a
/// list chain` prints of it; `place`: "FAMILY TABLE CHAIN"; `exemption`: the match to add. Empty: the chain
/// has no such rule.
std::string exempting_command(std::string_view listed, const std::string& place,
                              const std::string& exemption);
/// The document that --json prints: `findings` (level, id, text, command), `errors`, `warnings`.
Json doctor_document(std::span<const doctor::Finding> findings);
/// The same as text: one paragraph for each finding, with its command below it.
std::string doctor_text(std::span<const doctor::Finding> findings);
/// Whether exit status 0 is right: no errors and no warnings.
bool healthy(std::span<const doctor::Finding> findings);

/// Runs the examination and prints the result. Returns the exit status. Throws NotServing without root.
int run_doctor(const std::string& control, bool json);

}  // namespace sipalg::ctl
