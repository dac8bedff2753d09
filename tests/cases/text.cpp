#include "tests/cases/text.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace sipalg::test {

namespace {

std::vector<std::string> words(const std::string& line) {
    std::istringstream in(line);
    std::vector<std::string> all;
    for (std::string word; in >> word;)
        all.push_back(word);
    return all;
}

bool takes_rows(const Step& step) {
    return step.verb == "out" || step.verb == "in" || step.verb.back() == ':';
}

bool is_row(const std::string& line, const Step& step) {
    if (line.starts_with("  ") || line == " ") return true;
    const bool message = step.verb == "out" || step.verb == "in";
    return message && (line.starts_with("- ") || line.starts_with("+ ") || line == "-" || line == "+");
}

std::string fill_length(std::string message, const std::string& line_end) {
    const std::size_t at = message.find(": @" + line_end);
    const std::size_t body = message.find(line_end + line_end);
    if (at == std::string::npos || body == std::string::npos) return message;
    const std::size_t length = message.size() - body - 2 * line_end.size();
    return message.replace(at + 2, 1, std::to_string(length));
}

/// The place of an error.
std::string at_line(const std::string& path, int number) {
    return path + ":" + std::to_string(number) + ": ";
}

}  // namespace

std::vector<Case> read_cases(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error(path + ": cannot be read");
    std::vector<Case> cases;
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        const bool inside_message = !cases.empty() && !cases.back().steps.empty() &&
                                    is_row(line, cases.back().steps.back()) &&
                                    takes_rows(cases.back().steps.back());
        if (inside_message) {
            Step& step = cases.back().steps.back();
            const bool message = step.verb == "out" || step.verb == "in";
            step.rows.push_back(message ? line : line.substr(2));
            continue;
        }
        if (line.empty() || line[0] == '#') continue;
        const bool setup = line.starts_with("setup: ");
        if (setup || line.starts_with("case: ")) {
            cases.push_back({line.substr(setup ? 7 : 6), number, setup, {}});
            continue;
        }
        auto all = words(line);
        if (cases.empty() || all.empty())
            throw std::runtime_error(at_line(path, number) + "not understood: " + line);
        if (all.front() == "play") {
            const auto from = std::find_if(cases.begin(), cases.end(), [&](const Case& one) {
                return one.setup && line == "play " + one.name;
            });
            if (from == cases.end())
                throw std::runtime_error(at_line(path, number) + "no setup for: " + line);
            const std::vector<Step> steps = from->steps;
            cases.back().steps.insert(cases.back().steps.end(), steps.begin(), steps.end());
            continue;
        }
        Step step{number, all.front(), {all.begin() + 1, all.end()}, {}};
        cases.back().steps.push_back(std::move(step));
    }
    std::erase_if(cases, [](const Case& one) { return one.setup; });
    return cases;
}

const std::string& Step::argument(std::size_t i) const {
    if (i >= arguments.size()) throw std::runtime_error("an argument is missing");
    return arguments[i];
}

Endpoint endpoint(const std::string& text) {
    const auto value = Endpoint::parse(text);
    if (!value) throw std::runtime_error("no endpoint: " + text);
    return *value;
}

Transport transport(const std::string& text) {
    if (text != "udp" && text != "tcp") throw std::runtime_error("no transport: " + text);
    return text == "udp" ? Transport::udp : Transport::tcp;
}

Versions message_of(const Step& step) {
    Versions versions;
    const bool bare = step.arguments.size() > 3 && step.arguments[3] == "lf";
    const std::string line_end = bare ? "\n" : "\r\n";
    for (const std::string& row : step.rows) {
        const std::string text = row.size() > 2 ? row.substr(2) : std::string{};
        if (row[0] != '+') versions.before += text + line_end;
        if (row[0] != '-') versions.after += text + line_end;
    }
    versions.before = fill_length(versions.before, line_end);
    versions.after = fill_length(versions.after, line_end);
    return versions;
}

}  // namespace sipalg::test
