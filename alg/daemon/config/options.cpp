#include "alg/daemon/config/options.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <sstream>
#include <string_view>

#include "alg/base/escape.hpp"
#include "alg/base/similar.hpp"
#include "alg/daemon/config/option_rows.hpp"
#include "alg/daemon/config/sections.hpp"
#include "alg/daemon/config/values.hpp"

namespace sipalg::daemon {

namespace po = boost::program_options;

namespace {

po::options_description description() {
    po::options_description options("Options", 100);
    po::options_description limits("Limits", 100);
    for (const OptionRow& row : general_options()) {
        if (row.argument == nullptr)
            options.add_options()(row.name, row.help);
        else
            options.add_options()(row.name, po::value<std::vector<std::string>>()->value_name(row.argument),
                                  row.help);
    }
    for (const LimitRow& limit : limit_rows) {
        const std::string help =
            std::string(limit.name) + " (default: " + std::to_string(Limits{}.*limit.member) + ")";
        limits.add_options()(limit.option, po::value<std::vector<std::string>>()->value_name("N"),
                             help.c_str());
    }
    return options.add(limits);
}

std::string describe_unknown(std::string_view name) {
    std::vector<std::string_view> names;
    names.reserve(all_options().size());
    for (const OptionRow& row : all_options())
        names.emplace_back(row.name);
    std::string text = "unknown option";
    if (const auto similar = most_similar(name, names))
        text += "; did you mean '" + std::string(*similar) + "'?";
    return text + " (sipalgd --help lists all)";
}

void check_file_setting(const Setting& setting) {
    const OptionRow* row = find_option(setting.name);
    const bool in_sections = is_section_setting(setting.name);
    if (row == nullptr && !in_sections)
        throw UsageError(setting.where + ": " + describe_unknown(setting.name));
    if (row != nullptr && !row->in_file)
        throw UsageError(setting.where + ": allowed on the command line only");
    if (row == nullptr && setting.section.empty())
        throw UsageError(setting.where +
                         ": allowed only in a section, below a line [phone ADDRESS] or [peer ADDRESS]");
    if (!setting.section.empty() && !in_sections)
        throw UsageError(setting.where + ": not allowed in a section; write it above the first '['");
}

// The settings of one option that apply: those of the command line, if there are any.
std::vector<const Setting*> chosen(const OptionRow& row, const std::vector<Setting>& command_line,
                                   const std::vector<Setting>& file) {
    std::vector<const Setting*> found;
    for (const auto* source : {&command_line, &file}) {
        for (const Setting& setting : *source)
            if (setting.name == row.name && setting.section.empty()) found.push_back(&setting);
        if (!found.empty()) break;
    }
    if (found.size() > 1 && !row.repeatable)
        throw UsageError(found[1]->where + ": given twice (expected once)");
    return found;
}

void check_together(const Options& options) {
    for (const Setting& inside : options.inside)
        for (const Setting& outside : options.outside)
            if (inside.value == outside.value)
                throw complaint(inside, "can't be inside and outside at once; name each interface once");
    const std::size_t addresses = options.external_addresses.size();
    if (addresses > 1 && addresses != options.outside.size())
        throw UsageError("--external-address: " + std::to_string(addresses) + " addresses, but " +
                         std::to_string(options.outside.size()) +
                         " --outside; give one address for all, or one for each --outside");
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
    const po::options_description options = description();
    // No abbreviations: a new option could change the meaning of one.
    constexpr int style = po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent |
                          po::command_line_style::long_allow_next;
    // The only switch with an optional value.
    std::vector<std::string> words = arguments;
    const bool rules = std::find(words.begin(), words.end(), "--check=rules") != words.end();
    std::replace(words.begin(), words.end(), std::string("--check=rules"), std::string("--check"));
    for (const std::string& word : words)
        if (word.starts_with("--check="))
            throw UsageError("'" + escape(word) + "': expected --check or --check=rules");
    CommandLine result;
    try {
        const po::parsed_options parsed = po::command_line_parser(words).options(options).style(style).run();
        for (const po::option& option : parsed.options) {
            std::string value = option.value.empty() ? std::string() : option.value.front();
            if (option.string_key == "check" && rules) value = "rules";
            if (option.position_key != -1)
                throw UsageError("'" + escape(value) +
                                 "': options begin with '--' (sipalgd --help lists all)");
            if (option.string_key == "help")
                result.help = true;
            else if (option.string_key == "version")
                result.version = true;
            else if (option.string_key == "config" && result.config)
                throw UsageError("--config: given twice (expected once)");
            else if (option.string_key == "config")
                result.config = value;
            else
                result.settings.push_back({option.string_key, value, "--" + option.string_key});
        }
    } catch (const po::unknown_option& error) {
        const std::string option = error.get_option_name();
        throw UsageError(escape(option) + ": " +
                         describe_unknown(std::string_view(option).substr(
                             std::min(option.find_first_not_of('-'), option.size()))));
    } catch (const po::error& error) {
        throw UsageError(escape(error.what()) + " (sipalgd --help lists all options)");
    }
    return result;
}

Options make_options(const std::vector<Setting>& command_line, const std::vector<Setting>& file) {
    for (const Setting& setting : file)
        check_file_setting(setting);
    Options options;
    for (const OptionRow& row : all_options()) {
        if (row.apply == nullptr) continue;
        const auto settings = chosen(row, command_line, file);
        const std::string_view name = row.name;
        if (!settings.empty() && name == "sip-port") options.sip_ports.clear();
        if (name == "accept-in") {
            if (!settings.empty()) options.accept_in_auto = false;
            for (const Setting* setting : settings)
                if (setting->value == "none" && settings.size() > 1)
                    throw complaint(*setting, "contradicts the other accept-in settings (expected alone)");
        }
        if (name == "tls-port") {
            // By default, a SIP port is not a TLS port.
            const auto is_sip_port = [&](std::uint16_t port) {
                return std::find(options.sip_ports.begin(), options.sip_ports.end(), port) !=
                       options.sip_ports.end();
            };
            std::erase_if(options.tls_ports, is_sip_port);
            if (!settings.empty()) options.tls_ports.clear();
        }
        for (const Setting* setting : settings)
            row.apply(options, *setting);
    }
    read_sections(file, options.treatments);
    check_together(options);
    return options;
}

Options load_options(const CommandLine& command_line) {
    const bool use_default = !command_line.config && access(default_config, F_OK) == 0;
    const std::string file = command_line.config.value_or(use_default ? default_config : "");
    if (command_line.config && file.empty()) throw UsageError("--config: the name of the file is empty");
    const auto settings = file.empty() ? std::vector<Setting>{} : parse_config(read_config(file), file);
    Options options = make_options(command_line.settings, settings);
    options.config = file;
    return options;
}

std::vector<std::string> differences_that_need_a_restart(const Options& running, const Options& wanted) {
    std::vector<std::string> names;
    for (const OptionRow& row : all_options())
        if (row.field.same && row.live == Live::no && !row.field.same(running, wanted))
            names.emplace_back(row.name);
    return names;
}

std::vector<std::string> take_live_options(Options& running, const Options& wanted) {
    std::vector<std::string> names;
    for (const OptionRow& row : all_options()) {
        if (!row.field.same || row.live == Live::no || row.field.same(running, wanted)) continue;
        row.field.copy(running, wanted);
        names.emplace_back(row.name);
    }
    // The sections of the file have no row. All of their settings can change at run time.
    const Treatments& sections = wanted.treatments;
    if (running.treatments.peers != sections.peers || running.treatments.phones != sections.phones)
        names.emplace_back("sections");
    running.treatments.peers = sections.peers;
    running.treatments.phones = sections.phones;
    return names;
}

std::string help_text() {
    std::ostringstream text;
    text << "Usage: sipalgd [OPTION]...\n"
            "SIP application-level gateway for this router.\n\n"
         << description()
         << "\nThe configuration file takes the same names without '--', as 'name = value'.\n"
            "Exit status: 0 clean stop, 1 runtime failure, 2 bad usage or configuration. See sipalgd(8).\n";
    return text.str();
}

}  // namespace sipalg::daemon
