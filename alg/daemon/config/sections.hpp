// The [peer ...] and [phone ...] sections of the configuration file.
#pragma once

#include <string_view>
#include <vector>

#include "alg/daemon/config/config_file.hpp"
#include "alg/policy/treatment.hpp"

namespace sipalg::daemon {

/// Whether sections may have a setting of this name.
bool is_section_setting(std::string_view name);
/// The names of these settings, for tests of the manual.
std::vector<std::string_view> section_settings();

/// Adds the settings of sections to `treatments`. Precondition: is_section_setting() for each of them. Throws
/// UsageError.
void read_sections(const std::vector<Setting>& settings, Treatments& treatments);

}  // namespace sipalg::daemon
