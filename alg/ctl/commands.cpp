#include "alg/ctl/commands.hpp"

#include <algorithm>
#include <array>

namespace sipalg::ctl {

namespace {

using Argument = Command::Argument;

constexpr std::array rows{
    Command{"status", Argument::none, "", true, "verdict, warnings, settings and totals",
            "Prints whether sipalgd serves, then its warnings, settings and totals.\n"
            "Exit status 0 only if it serves.\n"},
    Command{"calls", Argument::none, "", true, "calls in progress, or with --ended the last ones",
            "Prints one row for each call: state, phone, peer, media and Call-ID. --ended\n"
            "prints the calls that have ended: how long they lasted, why they ended, and\n"
            "which side has sent media. --phone ADDR and --call ID select calls. On a\n"
            "terminal the columns fit its width, unless --wide is given.\n"},
    Command{"call", Argument::required, "ID", true, "one call in full: messages, media, timers, pinholes",
            "Prints all that is known of one call: its parties and media, what will end it,\n"
            "its messages with the places that were changed, and its pinholes with packets\n"
            "and bytes. ID is its Call-ID, or the beginning of it.\n"},
    Command{"pinholes", Argument::none, "", true, "public ports that are open, for media and signalling",
            "Prints one row for each pinhole: public port, inside port, allowed sources, the\n"
            "stream or signalling that it serves, and remaining time. --phone ADDR and\n"
            "--call ID select rows; --wide prints every column.\n"},
    Command{"bindings", Argument::none, "", true, "registered phones",
            "Prints one row for each registration: public port, phone, registrar and\n"
            "remaining time. --phone ADDR selects rows; --wide prints every column.\n"},
    Command{"flows", Argument::none, "", true, "SIP and TLS flows and their treatment",
            "Prints one row for each flow of signalling: phone, peer, content, treatment,\n"
            "packets, and for TLS the name of the server. --phone ADDR selects rows; --wide\n"
            "prints every column.\n"},
    Command{"counters", Argument::none, "", true, "messages by outcome",
            "Prints the number of messages for each outcome. sipalgd(8) explains each word.\n"},
    Command{"limits", Argument::none, "", true, "limits of the tables and their use",
            "Prints one row for each limit: its value, the number in use, and the effect at\n"
            "the limit. At a limit new work is refused, and existing calls continue.\n"},
    Command{"metrics", Argument::none, "", false, "numbers for monitoring, as OpenMetrics text",
            "Prints OpenMetrics text for Prometheus and others; with --prometheus the older\n"
            "text format, which node_exporter reads from files.\n"},
    Command{"doctor", Argument::none, "", true, "faults of this router, and how to fix them",
            "Examines kernel, ruleset, conntrack, routes and addresses, and the running\n"
            "sipalgd if there is one. Prints each finding with the command that fixes it.\n"
            "Needs root; changes nothing. Exit status 1 if there is an error or a warning.\n"
            "--call plays a call in a copy of this router, with its ruleset and configuration\n"
            "(--config FILE), and prints each step; --phone ADDR and --peer ADDR choose its\n"
            "ends, IPv6 ones as well, and --tcp plays it over TCP. Nothing leaves the\n"
            "machine. Exit status 1 if a step fails.\n"},
    Command{"close", Argument::optional, "ID", true, "close a call with its media (or --all calls)",
            "Closes the pinholes and mappings of a call and deletes its conntrack entries, so\n"
            "that media stop at once. ID is its Call-ID, or the beginning of it.\n"
            "--all in place of ID closes all calls. No BYE is sent. Only for root and the\n"
            "admin-group.\n"},
    Command{"reload", Argument::none, "", true, "read the configuration again, like SIGHUP",
            "Makes sipalgd read its configuration file again. Prints the options that have\n"
            "changed, and those that change only after a restart. If the file has a mistake,\n"
            "the old configuration stays in force. Only for root and the admin-group.\n"},
    Command{"watch", Argument::none, "", true, "calls, messages and events, as they happen",
            "Shows calls, registrations, rates and warnings on the terminal, updated after\n"
            "each event and each second; q quits. With --lines, or not on a terminal, prints\n"
            "a line for each message, pinhole and event until it is interrupted; --json\n"
            "prints one JSON document per line. --call ID and --phone ADDR select calls,\n"
            "--seconds N ends after that time.\n"},
    Command{"record", Argument::optional, "FILE", false, "messages before and after, for Wireshark or HEP",
            "Writes each message as it came and as it left to a pcapng file with the\n"
            "interfaces \"inside\" and \"outside\". Comments say what was changed and which\n"
            "pinholes were opened. --hep HOST:PORT sends them to Homer or sngrep instead.\n"
            "Digest responses are masked, unless --with-credentials is given. --call ID and\n"
            "--phone ADDR select calls, --seconds N ends after that time. Only for root and\n"
            "the admin-group.\n"},
    Command{"explain", Argument::required, "FILE", true, "what sipalg does with the calls of a capture",
            "Replays a capture (pcap or pcapng) and prints, for each call, the messages with\n"
            "each change and its rule, the pinholes, the media, and a verdict.\n"
            "Needs no sipalgd and no privilege. Guesses from the capture which hosts are\n"
            "inside, unless --inside NET and --outside ADDR are given. --html FILE writes a\n"
            "web page.\n"},
    Command{"help", Argument::optional, "COMMAND", false, "this text, or the help of one command",
            "Prints the list of commands, or the help of one command.\n"},
};

std::string usage(const Command& command) {
    std::string text(command.name);
    if (command.argument == Argument::required) text += " " + std::string(command.argument_name);
    if (command.argument == Argument::optional) text += " [" + std::string(command.argument_name) + "]";
    return text;
}

constexpr std::string_view options_text =
    "Options:\n"
    "  --control PATH  control socket of sipalgd (default: /run/sipalg/control.sock)\n"
    "  --json          print one JSON document\n"
    "  --all           with close: all calls\n"
    "  --ended         with calls: those that have ended, the latest first\n"
    "  --call ID       with calls, pinholes, watch, record: beginning of the Call-ID\n"
    "  --call          with doctor: play a test call\n"
    "  --phone ADDR    with lists, watch, record: only rows of one phone; with doctor\n"
    "                  --call: address of the phone\n"
    "  --peer ADDR     with doctor --call: address of the provider\n"
    "  --tcp           with doctor --call: signalling over TCP\n"
    "  --config FILE   with doctor --call: configuration file of sipalgd\n"
    "  --prometheus    with metrics: Prometheus' text format, for node_exporter\n"
    "  --lines         with watch: a line for each event, also on a terminal\n"
    "  --wide          with lists: every column, however wide the terminal is\n"
    "  --seconds N     with watch, record: end after N seconds\n"
    "  --hep HOST:PORT with record: send HEPv3 over UDP\n"
    "  --with-credentials\n"
    "                  with record: do not mask digest responses\n"
    "  --inside NET    with explain: a network of phones (repeat)\n"
    "  --outside ADDR  with explain: the router's address outside\n"
    "  --html FILE     with explain: write a web page to FILE\n"
    "  -h, --help      print this and exit\n"
    "  --version       print the version and exit\n";

}  // namespace

std::span<const Command> commands() {
    return rows;
}

const Command* find_command(std::string_view name) {
    const auto it =
        std::find_if(rows.begin(), rows.end(), [&](const Command& command) { return command.name == name; });
    return it == rows.end() ? nullptr : &*it;
}

std::string command_list() {
    std::string text;
    for (std::size_t i = 0; i < rows.size(); ++i)
        text += (i == 0 ? "" : i + 1 == rows.size() ? " or " : ", ") + std::string(rows[i].name);
    return text;
}

std::string help_text() {
    std::size_t width = 0;
    for (const Command& command : rows)
        width = std::max(width, usage(command).size());
    std::string text =
        "Usage: sipalgctl [OPTION]... COMMAND\nQuery and control the running sipalgd.\n\nCommands:\n";
    for (const Command& command : rows) {
        std::string left = usage(command);
        left.resize(width, ' ');
        text += "  " + left + "  " + std::string(command.summary) + '\n';
    }
    text += '\n';
    text += options_text;
    return text + "\nExit status: 0 success, 1 no sipalgd or refused, 2 bad usage. See sipalgctl(1).\n";
}

std::string help_text(const Command& command) {
    std::string text = "Usage: sipalgctl [--control PATH] " +
                       std::string(command.has_json ? "[--json] " : "") + usage(command) + "\n\n";
    return text += command.details;
}

}  // namespace sipalg::ctl
