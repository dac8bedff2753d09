#include "alg/daemon/config/config_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "alg/base/escape.hpp"

namespace sipalg::daemon {

namespace {

std::string_view trim(std::string_view text) {
    static constexpr std::string_view blanks = " \t\r";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// A '#' inside a word belongs to the word; one at its beginning starts a comment.
std::string_view without_comment(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i)
        if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) return line.substr(0, i);
    return line;
}

// The words of a section's name with single blanks between them.
std::string one_blank_apart(std::string_view text) {
    std::istringstream words{std::string(text)};
    std::string all;
    for (std::string word; words >> word;)
        all += (all.empty() ? "" : " ") + word;
    return all;
}

void check_section(const std::string& section, const std::string& place) {
    if (!parse_section(section))
        throw UsageError(
            place + "'[" + escape(section) +
            "]' is not a section (expected [peer ADDRESS] or [phone ADDRESS], with an address such as "
            "203.0.113.10 or a prefix such as 203.0.113.0/24 without host bits; settings for all phones and "
            "peers belong above the first section)");
}

}  // namespace

std::optional<SectionName> parse_section(std::string_view section) {
    const std::size_t blank = section.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    const std::string_view kind = section.substr(0, blank);
    const auto prefix = Prefix::parse(section.substr(blank + 1));
    if (!prefix || prefix->length == 0 || (kind != "peer" && kind != "phone")) return std::nullopt;
    return SectionName{kind == "peer" ? SectionName::Kind::peer : SectionName::Kind::phone, *prefix};
}

UsageError complaint(const Setting& setting, std::string_view text) {
    return UsageError(setting.where + ": '" + escape(setting.value) + "' " + std::string(text));
}

std::vector<Setting> parse_config(std::string_view text, const std::string& file) {
    std::vector<Setting> settings;
    std::size_t number = 0;
    std::string section;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = trim(without_comment(text.substr(0, end)));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const std::string place = file + ":" + std::to_string(++number) + ": ";
        if (line.empty()) continue;
        if (line.front() == '[') {
            if (line.back() != ']')
                throw UsageError(place + "'" + escape(line) + "': a section ends with ']'");
            section = one_blank_apart(line.substr(1, line.size() - 2));
            check_section(section, place);
            continue;
        }
        const std::size_t equals = line.find('=');
        const std::string name(trim(line.substr(0, equals)));
        if (equals == std::string_view::npos || name.empty())
            throw UsageError(place + "'" + escape(line) + "': write 'name = value'");
        settings.push_back({name, std::string(trim(line.substr(equals + 1))), place + escape(name), section});
    }
    return settings;
}

std::string read_config(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream text;
    // A directory can be opened, but the read fails here.
    if (!stream || (stream.peek() != std::ifstream::traits_type::eof() && !(text << stream.rdbuf())) ||
        stream.bad())
        throw UsageError(
            "--config: can't read '" + escape(path) + "': " + std::strerror(errno == 0 ? EIO : errno) +
            (errno == EACCES ? " (the user of sipalgd must be able to read it: mode 0640, group sipalg)"
                             : ""));
    return text.str();
}

}  // namespace sipalg::daemon
