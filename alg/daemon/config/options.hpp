// The options of sipalgd, from the command line and the file: parsed and checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alg/daemon/config/config_file.hpp"
#include "alg/daemon/config/log.hpp"
#include "alg/net/address.hpp"
#include "alg/net/port_range.hpp"
#include "alg/policy/limits.hpp"
#include "nft/settings.hpp"

namespace sipalg::daemon {

inline constexpr const char* default_config = "/etc/sipalg/sipalgd.conf";
/// Used if it exists.
inline constexpr const char* default_control_group = "sipalg";

/// Validated options. Values that depend on the machine, such as the existence of an interface, are checked
/// when they are used.
struct Options {
    std::string config;  ///< file that was read; empty: none
    bool foreground = false;
    bool check = false;
    bool check_rules = false;      ///< with check: print the ruleset
    std::vector<Setting> outside;  ///< interface names; empty: those of the default routes
    std::vector<Setting> inside;   ///< interface names; empty: every other one except loopback
    std::vector<std::uint16_t> sip_ports{5060};
    std::vector<std::uint16_t> tls_ports{5061};  ///< none of them is a SIP port
    bool find_sip = false;
    bool drop_malformed = false;
    Treatments treatments;            ///< for all, and those of the sections
    std::uint16_t media_low = 16384;  ///< even
    std::uint16_t media_high = 32767;
    std::vector<PortRange> public_ports;      ///< see Policy
    std::vector<Address> external_addresses;  ///< none, one for all, or as many as `outside`
    std::vector<nft::AcceptIn> accept_in;
    bool accept_in_auto = true;
    std::uint16_t queue = 5060;
    std::string table = "sipalg";
    std::string control = "/run/sipalg/control.sock";
    std::string state;                     ///< path; empty: beside the control socket
    std::optional<Setting> control_group;  ///< name of a group; none: default_control_group
    std::optional<Setting> admin_group;    ///< name of a group
    LogLevel log_level = LogLevel::info;
    std::vector<std::string> emergency_numbers;  ///< the owner's, besides 112 and 911
    Limits limits;
    LogFormat log_format = LogFormat::text;
    std::size_t history = 200;  ///< calls that have ended
    bool mask_numbers = false;
};

/// The command line. `settings` are for make_options().
struct CommandLine {
    bool help = false;
    bool version = false;
    std::optional<std::string> config;
    std::vector<Setting> settings;
};

/// Throws UsageError: unknown option, missing value, stray words.
CommandLine parse_command_line(const std::vector<std::string>& arguments);

/// Combines the two: an option on the command line replaces all settings of that name in the file.
/// Throws UsageError for unknown options and bad values.
Options make_options(const std::vector<Setting>& command_line, const std::vector<Setting>& file);

/// Parses the command line and the file that --config names, or the default file if it exists.
Options load_options(const CommandLine& command_line);

/// Names of the options that differ and that a running daemon can't change.
std::vector<std::string> differences_that_need_a_restart(const Options& running, const Options& wanted);
/// Copies the other options that differ and returns their names; "sections" stands for the sections of the
/// file.
std::vector<std::string> take_live_options(Options& running, const Options& wanted);

/// Text for --help.
std::string help_text();

}  // namespace sipalg::daemon
