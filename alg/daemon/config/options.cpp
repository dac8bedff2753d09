#include "alg/daemon/config/options.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <sstream>
#include <utility>

#include "alg/base/escape.hpp"
#include "alg/base/similar.hpp"
#include "alg/daemon/config/sections.hpp"
#include "alg/daemon/config/values.hpp"

namespace sipalg::daemon {

namespace po = boost::program_options;

namespace {

/// Puts a setting into the options. Throws UsageError.
using Apply = void (*)(Options&, const Setting&);
/// Whether two Options have the same value. `copy` assigns the value of the second to the first.
struct Field {
    bool (*same)(const Options&, const Options&);
    void (*copy)(Options&, const Options&);
};

enum class Live : bool {
    no,  ///< changed by a restart only
    yes  ///< changed by SIGHUP
};

struct Row {
    const char* name;
    const char* argument;  ///< nullptr: a switch
    bool repeatable;
    bool in_file;  ///< may stand in the configuration file
    Apply apply;   ///< nullptr: parse_command_line() handles it
    Live live;
    Field field;  ///< empty: it has no value that a run keeps
    const char* help;
};

/// A field that is one member of Options.
template <auto member>
constexpr Field field{[](const Options& a, const Options& b) { return a.*member == b.*member; },
                      [](Options& to, const Options& from) { to.*member = from.*member; }};
/// The same for a member of Options::treatments.
template <auto member>
constexpr Field treatment{
    [](const Options& a, const Options& b) { return a.treatments.*member == b.treatments.*member; },
    [](Options& to, const Options& from) { to.treatments.*member = from.treatments.*member; }};
/// For two members that belong to one option.
template <auto first, auto second>
constexpr Field fields{
    [](const Options& a, const Options& b) { return field<first>.same(a, b) && field<second>.same(a, b); },
    [](Options& to, const Options& from) {
        field<first>.copy(to, from);
        field<second>.copy(to, from);
    }};
constexpr Field no_field{nullptr, nullptr};

void set_foreground(Options& o, const Setting& s) {
    o.foreground = parse_switch(s);
}
void set_check(Options& o, const Setting& s) {
    o.check_rules = s.value == "rules";
    o.check = o.check_rules || parse_switch(s);
}
void add_outside(Options& o, const Setting& s) {
    o.outside.push_back(parse_interface(s));
}
void add_inside(Options& o, const Setting& s) {
    o.inside.push_back(parse_interface(s));
}
bool has(const std::vector<std::uint16_t>& ports, std::uint16_t port) {
    return std::find(ports.begin(), ports.end(), port) != ports.end();
}
void add_sip_port(Options& o, const Setting& s) {
    const std::uint16_t port = parse_port(s);
    if (!has(o.sip_ports, port)) o.sip_ports.push_back(port);
}
// Its row comes after sip-port.
void add_tls_port(Options& o, const Setting& s) {
    const std::uint16_t port = parse_port(s);
    if (has(o.sip_ports, port))
        throw complaint(s, "is a SIP port already, where TLS is recognised too; name each port once");
    if (!has(o.tls_ports, port)) o.tls_ports.push_back(port);
}
void set_find_sip(Options& o, const Setting& s) {
    o.find_sip = parse_switch(s);
}
void set_media_ports(Options& o, const Setting& s) {
    std::tie(o.media_low, o.media_high) = parse_media_ports(s);
}
void add_external_address(Options& o, const Setting& s) {
    o.external_addresses.push_back(parse_external_address(s));
}
void add_accept_in(Options& o, const Setting& s) {
    if (s.value == "auto")
        o.accept_in_auto = true;
    else if (s.value != "none")
        o.accept_in.push_back(parse_accept_in(s));
}
void set_malformed(Options& o, const Setting& s) {
    if (s.value != "pass" && s.value != "drop") throw complaint(s, "is neither 'pass' nor 'drop'");
    o.drop_malformed = s.value == "drop";
}
void set_media_source(Options& o, const Setting& s) {
    o.treatments.media_source = parse_media_source(s);
    if (o.treatments.media_source == MediaSource::any)
        throw complaint(s,
                        "would open every call to any sender; set it in the [peer ...] section of the peer "
                        "that needs it");
}
void set_mode(Options& o, const Setting& s) {
    o.treatments.mode = parse_mode(s);
}
void set_nat(Options& o, const Setting& s) {
    o.treatments.nat = parse_nat(s);
}
void set_queue(Options& o, const Setting& s) {
    o.queue = parse_queue(s);
}
void set_table(Options& o, const Setting& s) {
    o.table = parse_table(s);
}
void set_control(Options& o, const Setting& s) {
    o.control = parse_control(s);
}
void set_state(Options& o, const Setting& s) {
    o.state = parse_state(s);
}
void set_control_group(Options& o, const Setting& s) {
    o.control_group = parse_group(s);
}
void set_admin_group(Options& o, const Setting& s) {
    o.admin_group = parse_group(s);
}
void add_emergency_number(Options& o, const Setting& s) {
    o.emergency_numbers.push_back(parse_emergency_number(s));
}
void set_log_level_option(Options& o, const Setting& s) {
    const auto level = parse_log_level(s.value);
    if (!level) throw complaint(s, "is not a log level (expected error, warning, info or debug)");
    o.log_level = *level;
}
void set_log_format_option(Options& o, const Setting& s) {
    const auto format = parse_log_format(s.value);
    if (!format) throw complaint(s, "is not a log format (expected text or json)");
    o.log_format = *format;
}
void set_history(Options& o, const Setting& s) {
    o.history = parse_history(s);
}
void set_mask_numbers(Options& o, const Setting& s) {
    o.mask_numbers = parse_switch(s);
}

constexpr std::array general_rows{
    Row{"config", "FILE", false, false, nullptr, Live::no, no_field,
        "configuration file (default: /etc/sipalg/sipalgd.conf if it exists)"},
    Row{"foreground", nullptr, false, true, set_foreground, Live::no, field<&Options::foreground>,
        "do not detach; log to stderr"},
    Row{"outside", "IFACE", true, true, add_outside, Live::no, field<&Options::outside>,
        "interface towards the untrusted side, repeatable (default: those of the default routes)"},
    Row{"inside", "IFACE", true, true, add_inside, Live::no, field<&Options::inside>,
        "interface towards the phones, repeatable (default: every other interface but loopback)"},
    Row{"sip-port", "N", true, true, add_sip_port, Live::no, field<&Options::sip_ports>,
        "port of SIP in clear text, UDP and TCP, repeatable (default: 5060)"},
    Row{"tls-port", "N", true, true, add_tls_port, Live::no, field<&Options::tls_ports>,
        "port on which TLS and DTLS are reported and never changed, repeatable (default: 5061)"},
    Row{"find-sip", nullptr, false, true, set_find_sip, Live::no, field<&Options::find_sip>,
        "report SIP on other ports (sipalgctl flows), to find the ports that a provider uses"},
    Row{"media-ports", "LO-HI", false, true, set_media_ports, Live::no,
        fields<&Options::media_low, &Options::media_high>,
        "public ports for media if the phone's own port is not free (default: 16384-32767)"},
    Row{"external-address", "A", true, true, add_external_address, Live::yes,
        field<&Options::external_addresses>,
        "public address if the router itself is behind NAT, repeatable; the n-th belongs to the n-th "
        "--outside, a single one to all of them"},
    Row{"accept-in", "CHAIN", true, true, add_accept_in, Live::no,
        fields<&Options::accept_in, &Options::accept_in_auto>,
        "\"FAMILY TABLE CHAIN\" of a base chain that must accept pinholed traffic, repeatable; 'auto' finds "
        "every chain that can drop it and follows changes, 'none' leaves the rule to you (default: auto)"},
    Row{"media-source", "POLICY", false, true, set_media_source, Live::yes,
        treatment<&Treatments::media_source>,
        "sources of media: negotiated (the addresses in the session description) or latch (also the first "
        "other sender); 'any' only in a [peer] or [phone] section of the file (default: negotiated)"},
    Row{"mode", "MODE", false, true, set_mode, Live::yes, treatment<&Treatments::mode>,
        "how messages are handled: auto (rewrite, unless the phone or the peer handles NAT itself), rewrite, "
        "pinhole (open pinholes, change no message), observe (only report) or off (default: auto)"},
    Row{"nat", "WHETHER", false, true, set_nat, Live::yes, treatment<&Treatments::nat>,
        "whether IPv4 addresses of phones are translated: auto (only private ones), yes or no (default: "
        "auto)"},
    Row{"malformed", "POLICY", false, true, set_malformed, Live::no, field<&Options::drop_malformed>,
        "what to do with SIP that cannot be read: pass or drop (default: pass)"},
    Row{"queue", "N", false, true, set_queue, Live::no, field<&Options::queue>,
        "NFQUEUE number; the next two are used too (default: 5060)"},
    Row{"table", "NAME", false, true, set_table, Live::no, field<&Options::table>,
        "nftables table of family inet that sipalgd owns (default: sipalg)"},
    Row{"control", "PATH", false, true, set_control, Live::no, field<&Options::control>,
        "control socket (default: /run/sipalg/control.sock)"},
    Row{"state", "FILE", false, true, set_state, Live::no, field<&Options::state>,
        "file for calls and registrations from a stop to the next start (default: state beside the control "
        "socket)"},
    Row{"control-group", "NAME", false, true, set_control_group, Live::no, field<&Options::control_group>,
        "group that may query the daemon (default: sipalg if it exists, else only root)"},
    Row{"admin-group", "NAME", false, true, set_admin_group, Live::no, field<&Options::admin_group>,
        "group that may also close calls, record and reload (default: none, only root)"},
    Row{"log-level", "LEVEL", false, true, set_log_level_option, Live::yes, field<&Options::log_level>,
        "lowest level to log: error, warning, info or debug (default: info)"},
    Row{"emergency-number", "NUMBER", true, true, add_emergency_number, Live::no,
        field<&Options::emergency_numbers>,
        "number whose calls no limit refuses, besides 112, 911 and urn:service:sos, repeatable"},
    Row{"log-format", "FORMAT", false, true, set_log_format_option, Live::yes, field<&Options::log_format>,
        "text, or json: one JSON object a line (default: text)"},
    Row{"history", "N", false, true, set_history, Live::yes, field<&Options::history>,
        "number of ended calls that sipalgctl calls --ended shows; 0: none (default: 200)"},
    Row{"mask-numbers", nullptr, false, true, set_mask_numbers, Live::yes, field<&Options::mask_numbers>,
        "hide the last three digits of telephone numbers in the log and the history"},
    Row{"check", nullptr, false, false, set_check, Live::no, no_field,
        "validate the configuration and ask the kernel, change nothing; works while sipalgd is running; "
        "--check=rules prints the ruleset too"},
    Row{"help", nullptr, false, false, nullptr, Live::no, no_field, "print this and exit"},
    Row{"version", nullptr, false, false, nullptr, Live::no, no_field, "print the version and exit"},
};

// X7: an option for each limit.
template <std::size_t index>
constexpr Row limit_row{limit_rows[index].option,
                        "N",
                        false,
                        true,
                        [](Options& o, const Setting& s) {
                            o.limits.*limit_rows[index].member = parse_limit(s, limit_rows[index].most);
                        },
                        Live::no,
                        {[](const Options& a, const Options& b) {
                             return a.limits.*limit_rows[index].member == b.limits.*limit_rows[index].member;
                         },
                         [](Options& to, const Options& from) {
                             to.limits.*limit_rows[index].member = from.limits.*limit_rows[index].member;
                         }},
                        limit_rows[index].name};
constexpr auto rows = []<std::size_t... general, std::size_t... limits>(std::index_sequence<general...>,
                                                                        std::index_sequence<limits...>) {
    return std::array{general_rows[general]..., limit_row<limits>...};
}
(std::make_index_sequence<general_rows.size()>(), std::make_index_sequence<limit_rows.size()>());

const Row* find_row(std::string_view name) {
    const auto it = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
    return it == rows.end() ? nullptr : &*it;
}

po::options_description description() {
    po::options_description options("Options", 100);
    po::options_description limits("Limits", 100);
    for (const Row& row : general_rows) {
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
    names.reserve(std::size(rows));
    for (const Row& row : rows)
        names.emplace_back(row.name);
    std::string text = "unknown option";
    if (const auto similar = most_similar(name, names))
        text += "; did you mean '" + std::string(*similar) + "'?";
    return text + " (sipalgd --help lists all)";
}

void check_file_setting(const Setting& setting) {
    const Row* row = find_row(setting.name);
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
std::vector<const Setting*> chosen(const Row& row, const std::vector<Setting>& command_line,
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
                         describe_unknown(std::string_view(option).substr(option.find_first_not_of('-'))));
    } catch (const po::error& error) {
        throw UsageError(std::string(error.what()) + " (sipalgd --help lists all options)");
    }
    return result;
}

Options make_options(const std::vector<Setting>& command_line, const std::vector<Setting>& file) {
    for (const Setting& setting : file)
        check_file_setting(setting);
    Options options;
    for (const Row& row : rows) {
        if (row.apply == nullptr) continue;
        const auto settings = chosen(row, command_line, file);
        if (!settings.empty() && row.apply == add_sip_port) options.sip_ports.clear();
        if (row.apply == add_accept_in) {
            if (!settings.empty()) options.accept_in_auto = false;
            for (const Setting* setting : settings)
                if (setting->value == "none" && settings.size() > 1)
                    throw complaint(*setting, "contradicts the other accept-in settings (expected alone)");
        }
        if (row.apply == add_tls_port) {
            // By default, a SIP port is not a TLS port.
            const auto is_sip_port = [&](std::uint16_t port) { return has(options.sip_ports, port); };
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

namespace {

// The sections of the file have no row. All of their settings can change at run time.
constexpr Field peers = treatment<&Treatments::peers>;
constexpr Field phones = treatment<&Treatments::phones>;

}  // namespace

std::vector<std::string> differences_that_need_a_restart(const Options& running, const Options& wanted) {
    std::vector<std::string> names;
    for (const Row& row : rows)
        if (row.field.same && row.live == Live::no && !row.field.same(running, wanted))
            names.emplace_back(row.name);
    return names;
}

std::vector<std::string> take_live_options(Options& running, const Options& wanted) {
    std::vector<std::string> names;
    for (const Row& row : rows) {
        if (!row.field.same || row.live == Live::no || row.field.same(running, wanted)) continue;
        row.field.copy(running, wanted);
        names.emplace_back(row.name);
    }
    if (!peers.same(running, wanted) || !phones.same(running, wanted)) names.emplace_back("sections");
    peers.copy(running, wanted);
    phones.copy(running, wanted);
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
