// The options of sipalgd: one row each, with its names, its effect and its help.
#pragma once

#include <span>
#include <string_view>

#include "alg/daemon/config/options.hpp"

namespace sipalg::daemon {

/// Puts a setting into the options. Throws UsageError.
using Apply = void (*)(Options&, const Setting&);
/// Whether two Options have the same value. `copy` assigns the value of the second to the first.
struct OptionField {
    bool (*same)(const Options&, const Options&);
    void (*copy)(Options&, const Options&);
};

enum class Live : bool {
    no,  ///< changed by a restart only
    yes  ///< changed by SIGHUP
};

struct OptionRow {
    const char* name;
    const char* argument;  ///< nullptr: a switch
    bool repeatable;
    bool in_file;  ///< may stand in the configuration file
    Apply apply;   ///< nullptr: parse_command_line() handles it
    Live live;
    OptionField field;  ///< empty: the option has no value to compare
    const char* help;
};

/// All options except those of limits, in the order of --help.
std::span<const OptionRow> general_options();
/// All options. An option comes after those that its `apply` depends on.
std::span<const OptionRow> all_options();
/// nullptr: there is no such option.
const OptionRow* find_option(std::string_view name);

}  // namespace sipalg::daemon
