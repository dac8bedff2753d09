// The configuration file as text: its settings and their lines.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "alg/policy/treatment.hpp"

namespace sipalg::daemon {

/// Bad usage or configuration (exit status 2). what() names the place and the option, and says how to correct
/// it.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// One `name = value` as it was written.
struct Setting {
    std::string name;
    std::string value;
    std::string where;         ///< "FILE:LINE: name" or "--name": how messages about it begin
    std::string section = {};  ///< "peer 203.0.113.0/24": the text between the brackets above it, if any
    /// Compares everything but `where`.
    friend bool operator==(const Setting& a, const Setting& b) {
        return a.name == b.name && a.value == b.value && a.section == b.section;
    }
};

/// The phones or peers of a section.
struct SectionName {
    enum class Kind : std::uint8_t { peer, phone };
    Kind kind = Kind::peer;
    Prefix prefix;
    friend bool operator==(const SectionName&, const SectionName&) = default;
};
/// "peer 203.0.113.0/24", "phone 192.168.1.11"; nullopt: not a valid name of a section.
std::optional<SectionName> parse_section(std::string_view section);

/// An error about a setting: "PLACE: 'VALUE' TEXT". The text says what is wrong and how to correct it.
UsageError complaint(const Setting& setting, std::string_view text);

/// Splits INI-style text into settings: one `name = value` on each line, and `[section]` above the settings
/// of a section. `#` at the beginning of a line or after a blank starts a comment. Empty lines are skipped.
/// `file` is only used in messages. Throws UsageError for any other line.
std::vector<Setting> parse_config(std::string_view text, const std::string& file);

/// The content of a file. Throws UsageError when it can't be read.
std::string read_config(const std::string& path);

}  // namespace sipalg::daemon
