// The configuration file as text: which setting stands on which line.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "alg/policy/treatment.hpp"

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
    std::string where;         ///< "FILE:LINE: name" or "--name", the beginning of a message about it
    std::string section = {};  ///< "peer 203.0.113.0/24": the text between the brackets above it, if any
    /// The same setting, wherever it is written.
    friend bool operator==(const Setting& a, const Setting& b) {
        return a.name == b.name && a.value == b.value && a.section == b.section;
    }
};

/// Whom a section is about.
struct SectionName {
    enum class Kind : std::uint8_t { peer, phone };
    Kind kind = Kind::peer;
    Prefix prefix;
    friend bool operator==(const SectionName&, const SectionName&) = default;
};
/// "peer 203.0.113.0/24", "phone 192.168.1.11"; nullopt: no such section can be.
std::optional<SectionName> parse_section(std::string_view section);

/// A message about a setting: where it stands, the value, what is wrong and what would be right.
UsageError complaint(const Setting& setting, std::string_view what);

/// Splits INI-style text into settings: one `name = value` a line, `[section]` above those that belong to
/// one, `#` at the beginning of a line or behind a blank starts a comment, blank lines are fine. `file` is
/// only used in messages. Throws UsageError for lines that are none of these.
std::vector<Setting> parse_config(std::string_view text, const std::string& file);

/// The content of a file. Throws UsageError when it can't be read.
std::string read_config(const std::string& path);

}  // namespace sipalg::daemon
