// The commands of sipalgctl: one row each, for parsing and for help.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sipalg::ctl {

struct Command {
    enum class Argument : std::uint8_t { none, optional, required };

    std::string_view name;
    Argument argument;
    std::string_view argument_name;  ///< in help; empty: the command takes none
    bool has_json;                   ///< it takes --json
    std::string_view summary;        ///< one line
    std::string_view details;        ///< for `help COMMAND`: whole lines
};

std::span<const Command> commands();
/// nullptr: there is no such command.
const Command* find_command(std::string_view name);
/// "status, calls, … or help"
std::string command_list();
/// Text of `help`.
std::string help_text();
/// Text of `help COMMAND`.
std::string help_text(const Command& command);

}  // namespace sipalg::ctl
