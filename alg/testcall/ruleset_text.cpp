#include "alg/testcall/ruleset_text.hpp"

#include <functional>

namespace sipalg::testcall {

namespace {

using UseLine = std::function<void(std::string_view line)>;  // with its end

void each_line(std::string_view text, const UseLine& use) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
        use(text.substr(0, size));
        text.remove_prefix(size);
    }
}

std::string_view next_word(std::string_view& rest) {
    const std::size_t begin = rest.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    rest.remove_prefix(begin);
    const std::string_view found = rest.substr(0, rest.find_first_of(" \t\r\n"));
    rest.remove_prefix(found.size());
    return found;
}

bool has(std::string_view line, std::string_view part) {
    return line.find(part) != std::string_view::npos;
}

}  // namespace

std::vector<TableText> split_tables(std::string_view ruleset) {
    std::vector<TableText> tables;
    bool within = false;
    each_line(ruleset, [&](std::string_view line) {
        // Only the lines of the table itself begin in the first column.
        if (!within && line.starts_with("table ")) {
            std::string_view rest = line.substr(6);
            TableText& table = tables.emplace_back();
            table.family = next_word(rest);
            table.name = next_word(rest);
            within = true;
        }
        if (!within) return;
        tables.back().text += line;
        if (line.starts_with('}')) within = false;
    });
    return tables;
}

std::string without_accept_rules(std::string_view text, std::string_view own) {
    const std::string mark = "comment \"sipalg:" + std::string(own) + "\"";
    std::string kept;
    each_line(text, [&](std::string_view line) {
        if (!has(line, mark)) kept += line;
    });
    return kept;
}

bool has_iptables_parts(std::string_view text) {
    bool found = false;
    each_line(text, [&](std::string_view line) {
        const bool rule = line.starts_with("\t\t") || line.starts_with("        ");
        found = found || (rule && (has(line, "xt match ") || has(line, "xt target ") || has(line, "# ")));
    });
    return found;
}

std::string without_flowtables(std::string_view text) {
    std::string kept;
    bool within = false;
    each_line(text, [&](std::string_view line) {
        std::string_view rest = line;
        const std::string_view first = next_word(rest);
        within = within || first == "flowtable";
        if (!within && !has(line, "flow add @") && !has(line, "flow offload @")) kept += line;
        if (within && first == "}") within = false;
    });
    return kept;
}

}  // namespace sipalg::testcall
