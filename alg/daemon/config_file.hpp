// The configuration file as text: which setting stands on which line.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sipalg::daemon {

/// Bad usage or configuration (exit status 2). what() names the place, the option and what would be right.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// One `name = value` as somebody wrote it.
struct Setting {
    std::string name;
    std::string value;
    std::string where;  ///< "FILE:LINE: name" or "--name", the beginning of a message about it
};

/// A message about a setting: where it stands, the value, what is wrong and what would be right.
UsageError complaint(const Setting& setting, std::string_view what);

/// Splits INI-style text into settings: one `name = value` a line, `#` at the beginning of a line or behind a
/// blank starts a comment, blank lines are fine. `file` is only used in messages. Throws UsageError for lines
/// that are neither.
std::vector<Setting> parse_config(std::string_view text, const std::string& file);

/// The content of a file. Throws UsageError when it can't be read.
std::string read_config(const std::string& path);

}  // namespace sipalg::daemon
