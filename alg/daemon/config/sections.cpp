#include "alg/daemon/config/sections.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "alg/base/escape.hpp"
#include "alg/daemon/config/values.hpp"

namespace sipalg::daemon {

namespace {

using Kind = SectionName::Kind;

struct Row {
    const char* name;
    bool repeatable;
    std::optional<Kind> kind;  ///< of section; nullopt: any
    void (*apply)(Treatment&, const Setting&);
};

constexpr std::array rows{
    Row{"media-source", false, std::nullopt,
        [](Treatment& t, const Setting& s) { t.media_source = parse_media_source(s); }},
    Row{"mode", false, std::nullopt, [](Treatment& t, const Setting& s) { t.mode = parse_mode(s); }},
    Row{"nat", false, Kind::phone, [](Treatment& t, const Setting& s) { t.nat = parse_nat(s); }},
    Row{"any-interface", false, Kind::phone,
        [](Treatment& t, const Setting& s) { t.any_interface = parse_switch(s); }},
    Row{"delegates", true, Kind::phone,
        [](Treatment& t, const Setting& s) { t.delegates.push_back(parse_delegates(s)); }},
    Row{"allowed", false, Kind::peer, [](Treatment& t, const Setting& s) { t.allowed = parse_switch(s); }},
    Row{"listen", true, Kind::phone,
        [](Treatment& t, const Setting& s) { t.listen.push_back(parse_listen(s)); }},
};

const Row* find_row(std::string_view name) {
    const auto it = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
    return it == rows.end() ? nullptr : &*it;
}

Section& section_of(std::vector<Section>& sections, const Prefix& prefix) {
    const auto there = std::find_if(sections.begin(), sections.end(),
                                    [&](const Section& section) { return section.prefix == prefix; });
    return there != sections.end() ? *there : sections.emplace_back(Section{prefix, {}});
}

}  // namespace

bool is_section_setting(std::string_view name) {
    return find_row(name) != nullptr;
}

std::vector<std::string_view> section_settings() {
    std::vector<std::string_view> names;
    names.reserve(std::size(rows));
    for (const Row& row : rows)
        names.emplace_back(row.name);
    return names;
}

// Sections with the same prefix are merged. Each setting may appear once, unless it is a list.
void read_sections(const std::vector<Setting>& settings, Treatments& treatments) {
    std::vector<std::pair<SectionName, const Row*>> seen;
    for (const Setting& setting : settings) {
        if (setting.section.empty()) continue;
        const Row& row = *find_row(setting.name);
        const SectionName name = parse_section(setting.section).value();
        if (row.kind && *row.kind != name.kind)
            throw UsageError(setting.where + ": not allowed in [" + escape(setting.section) +
                             "]; it is a setting of " + (*row.kind == Kind::phone ? "phones" : "peers"));
        const std::pair entry{name, &row};
        if (setting.name == "listen" && name.prefix.length != name.prefix.address.size() * 8)
            throw UsageError(setting.where + ": needs the section of a single phone, not [" +
                             escape(setting.section) + "]");
        if (!row.repeatable && std::find(seen.begin(), seen.end(), entry) != seen.end())
            throw UsageError(setting.where + ": given twice for [" + escape(setting.section) +
                             "] (expected once)");
        seen.push_back(entry);
        auto& sections = name.kind == Kind::peer ? treatments.peers : treatments.phones;
        row.apply(section_of(sections, name.prefix).treatment, setting);
    }
}

}  // namespace sipalg::daemon
