#include "alg/ctl/options.hpp"

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <sstream>

#include "alg/base/escape.hpp"

namespace sipalg::ctl {

namespace po = boost::program_options;

namespace {

constexpr std::array commands{"status", "calls", "pinholes", "bindings", "flows", "counters", "metrics"};
constexpr const char* command_list = "status, calls, pinholes, bindings, flows, counters or metrics";

po::options_description description() {
    po::options_description options("Options", 100);
    options.add_options()("control", po::value<std::string>()->value_name("PATH"),
                          "control socket of sipalgd (default: /run/sipalg/control.sock)");
    options.add_options()("json", "print one JSON document");
    options.add_options()("help", "print this and exit");
    options.add_options()("version", "print the version and exit");
    return options;
}

}  // namespace

Options parse_options(const std::vector<std::string>& arguments) {
    const po::options_description visible = description();
    po::options_description all;
    all.add(visible).add_options()("command", po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add("command", -1);
    constexpr int style = po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent |
                          po::command_line_style::long_allow_next;
    po::variables_map given;
    try {
        po::store(po::command_line_parser(arguments).options(all).positional(positional).style(style).run(),
                  given);
    } catch (const po::error& error) {
        throw UsageError(escape(error.what()) + " (sipalgctl --help lists all options)");
    }
    Options options;
    options.help = given.count("help") > 0;
    options.version = given.count("version") > 0;
    options.json = given.count("json") > 0;
    if (given.count("control") > 0) options.control = given["control"].as<std::string>();
    if (options.help || options.version) return options;
    if (given.count("command") == 0) throw UsageError(std::string("no command; write ") + command_list);
    const auto& words = given["command"].as<std::vector<std::string>>();
    if (words.size() > 1)
        throw UsageError("'" + escape(words[1]) + "': one command at a time; write " + command_list);
    options.command = words.front();
    if (std::find(commands.begin(), commands.end(), options.command) == commands.end())
        throw UsageError("unknown command '" + escape(options.command) + "'; write " + command_list);
    if (options.command == "metrics" && options.json)
        throw UsageError("metrics has a format of its own (OpenMetrics); leave out --json");
    return options;
}

std::string help_text() {
    std::ostringstream text;
    text << "Usage: sipalgctl [OPTION]... COMMAND\n"
            "Ask the running sipalgd.\n\n"
            "Commands:\n"
            "  status    whether it serves, with which settings, and what it counted\n"
            "  calls     the calls it knows\n"
            "  pinholes  who may send to which public port\n"
            "  bindings  the registered phones\n"
            "  flows     who speaks SIP or TLS with whom, and what becomes of it\n"
            "  counters  messages by what became of them\n"
            "  metrics   numbers for monitoring, as OpenMetrics text\n\n"
         << description()
         << "\nExit status: 0 done, 1 sipalgd does not serve, 2 bad usage. See sipalgctl(1).\n";
    return text.str();
}

}  // namespace sipalg::ctl
