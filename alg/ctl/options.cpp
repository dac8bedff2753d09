#include "alg/ctl/options.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "alg/base/escape.hpp"
#include "alg/base/similar.hpp"
#include "alg/ctl/commands.hpp"
#include "alg/net/address.hpp"

namespace sipalg::ctl {

namespace po = boost::program_options;

namespace {

const Command& known_command(const std::string& name) {
    if (const Command* command = find_command(name)) return *command;
    std::vector<std::string_view> names;
    for (const Command& command : commands())
        names.push_back(command.name);
    const auto similar = most_similar(name, names);
    throw UsageError("unknown command '" + escape(name) + "'; " +
                     (similar ? "did you mean '" + std::string(*similar) + "'? (sipalgctl help lists all)"
                              : "expected " + command_list()));
}

/// The name here of `--call` behind the command doctor, where it has no value.
constexpr const char* test_call = "test-call";

/// Whether the command is `doctor`: the first word that is no option, nor the value of one before it.
bool is_doctor(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--control" || arguments[i] == "--config" || arguments[i] == "--peer" ||
            arguments[i] == "--phone")
            ++i;
        else if (!arguments[i].starts_with('-'))
            return arguments[i] == "doctor";
    }
    return false;
}

struct OwnOption {
    const char* name;
    std::initializer_list<std::string_view> commands;  ///< the commands that the option belongs to
};
const OwnOption own_options[] = {
    {"all", {"close"}},
    {"inside", {"explain"}},
    {"outside", {"explain"}},
    {"html", {"explain"}},
    {"ended", {"calls"}},
    {"lines", {"watch"}},
    {"prometheus", {"metrics"}},
    {"wide", {"calls", "call", "pinholes", "bindings", "flows", "limits"}},
    {"call", {"watch", "record", "calls", "pinholes"}},
    {"phone", {"watch", "record", "calls", "pinholes", "bindings", "flows", "doctor"}},
    {test_call, {"doctor"}},
    {"peer", {"doctor"}},
    {"tcp", {"doctor"}},
    {"config", {"doctor"}},
    {"seconds", {"watch", "record"}},
    {"hep", {"record"}},
    {"with-credentials", {"record"}},
};

/// "a", "a and b", "a, b and c"
std::string listed(std::initializer_list<std::string_view> names) {
    std::string text;
    for (const std::string_view& name : names)
        text += (&name == names.begin() ? "" : &name + 1 == names.end() ? " and " : ", ") + std::string(name);
    return text;
}

void read_command_options(const po::variables_map& given, const Command& command, Options& options) {
    for (const OwnOption& one : own_options)
        if (given.count(one.name) > 0 &&
            std::find(one.commands.begin(), one.commands.end(), command.name) == one.commands.end())
            throw UsageError(
                "--" + std::string(one.name) +
                (one.commands.size() > 1 ? " belongs to the commands " : " belongs to the command ") +
                listed(one.commands));
    const auto text = [&](const char* name) {
        return given.count(name) > 0 ? given[name].as<std::string>() : std::string();
    };
    if (given.count("inside") > 0) options.inside = given["inside"].as<std::vector<std::string>>();
    options.outside = text("outside");
    options.html = text("html");
    options.call = text("call");
    if (const std::string phone = text("phone"); !phone.empty()) {
        const auto address = Address::parse(phone);
        const bool of_daemon = command.name == "watch" || command.name == "record";  // it checks the address
        if (!address && !of_daemon)
            throw UsageError("--phone '" + escape(phone) + "': expected the address of a phone");
        options.phone = address ? address->text() : phone;
    }
    options.ended = given.count("ended") > 0;
    options.prometheus = given.count("prometheus") > 0;
    options.lines = given.count("lines") > 0;
    options.wide = given.count("wide") > 0;
    options.hep = text("hep");
    options.test_call = given.count(test_call) > 0;
    options.config = text("config");
    if (const std::string peer = text("peer"); !peer.empty()) {
        const auto address = Address::parse(peer);
        if (!address) throw UsageError("--peer '" + escape(peer) + "': expected an address");
        options.peer = address->text();
        const auto phone = Address::parse(options.phone);
        if (phone && phone->family() != address->family())
            throw UsageError("--phone " + options.phone + " and --peer " + options.peer +
                             ": expected addresses of the same family");
    }
    options.tcp = given.count("tcp") > 0;
    if (command.name == "doctor" && !options.test_call)
        for (const char* name : {"phone", "peer", "config", "tcp"})
            if (given.count(name) > 0)
                throw UsageError("--" + std::string(name) + ": expected with doctor --call only");
    options.with_credentials = given.count("with-credentials") > 0;
    if (const std::string seconds = text("seconds"); !seconds.empty()) {
        const char* end = seconds.data() + seconds.size();
        const auto [stop, error] = std::from_chars(seconds.data(), end, options.seconds);
        if (error != std::errc() || stop != end || options.seconds == 0 || options.seconds > 31'536'000)
            throw UsageError("--seconds '" + escape(seconds) + "': expected 1-31536000");
    }
    if (command.name == "record" && options.hep.empty() == options.argument.empty())
        throw UsageError("record: expected a FILE or --hep HOST:PORT; see sipalgctl help record");
}

}  // namespace

Options parse_options(const std::vector<std::string>& given_arguments) {
    std::vector<std::string> arguments = given_arguments;
    if (is_doctor(arguments))
        std::replace(arguments.begin(), arguments.end(), std::string("--call"),
                     "--" + std::string(test_call));
    po::options_description all;
    all.add_options()("control", po::value<std::string>());
    all.add_options()("json", "");
    all.add_options()("help,h", "");
    all.add_options()("version", "");
    all.add_options()("all", "");
    all.add_options()("ended", "");
    all.add_options()("wide", "");
    all.add_options()("lines", "");
    all.add_options()("prometheus", "");
    all.add_options()("inside", po::value<std::vector<std::string>>());
    all.add_options()("outside", po::value<std::string>());
    all.add_options()("html", po::value<std::string>());
    all.add_options()("call", po::value<std::string>());
    all.add_options()("phone", po::value<std::string>());
    all.add_options()("seconds", po::value<std::string>());
    all.add_options()("hep", po::value<std::string>());
    all.add_options()("with-credentials", "");
    all.add_options()(test_call, "");
    all.add_options()("peer", po::value<std::string>());
    all.add_options()("tcp", "");
    all.add_options()("config", po::value<std::string>());
    all.add_options()("word", po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add("word", -1);
    // No abbreviations: a new option could change the meaning of one.
    constexpr int style = po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent |
                          po::command_line_style::long_allow_next | po::command_line_style::allow_short |
                          po::command_line_style::allow_dash_for_short |
                          po::command_line_style::short_allow_next;
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
    options.all = given.count("all") > 0;
    if (given.count("control") > 0) options.control = given["control"].as<std::string>();
    if (options.version) return options;
    const auto words =
        given.count("word") > 0 ? given["word"].as<std::vector<std::string>>() : std::vector<std::string>();
    if (words.empty() && options.help) return options;
    if (words.empty()) throw UsageError("no command; expected " + command_list());
    const Command& command = known_command(words.front());
    options.command = command.name;
    // `COMMAND --help` is `help COMMAND`.
    if (options.help && command.name != "help") options.argument = std::exchange(options.command, "help");
    if (options.help) return options;
    const std::size_t most = command.argument == Command::Argument::none ? 1 : 2;
    if (words.size() > most)
        throw UsageError("'" + escape(words[most]) + "': unexpected; see sipalgctl help " + options.command);
    if (words.size() == 2) options.argument = words[1];
    if (command.argument == Command::Argument::required && options.argument.empty())
        throw UsageError(options.command + ": " + std::string(command.argument_name) +
                         " is missing; see sipalgctl help " + options.command);
    if (command.name == "help" && !options.argument.empty())
        options.argument = known_command(options.argument).name;
    read_command_options(given, command, options);
    if (command.name == "close" && options.all == !options.argument.empty())
        throw UsageError("close: expected an ID or --all; see sipalgctl help close");
    if (options.json && !command.has_json)
        throw UsageError(options.command + " has no JSON form; leave out --json");
    return options;
}

}  // namespace sipalg::ctl
