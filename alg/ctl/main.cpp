#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>

#include "alg/ctl/cells.hpp"
#include "alg/ctl/commands.hpp"
#include "alg/ctl/doctor.hpp"
#include "alg/ctl/explain.hpp"
#include "alg/ctl/follow.hpp"
#include "alg/ctl/lists.hpp"
#include "alg/ctl/metrics.hpp"
#include "alg/ctl/options.hpp"
#include "alg/ctl/request.hpp"
#include "alg/ctl/test_call.hpp"
#include "alg/ctl/view.hpp"
#include "alg/ctl/watch_screen.hpp"
#include "alg/sys/queue_table.hpp"

namespace {

using namespace sipalg::ctl;

/// Lists fit the width of the terminal; other output is not cut.
Layout layout(const Options& options) {
    winsize size{};
    const bool terminal = isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    if (options.wide || !terminal) return {};
    return {false, size.ws_col == 0 ? 80U : std::size_t{size.ws_col}, std::chrono::system_clock::now()};
}

std::string kernel_queues() {
    std::ostringstream text;
    text << std::ifstream(sipalg::queue_table_path).rdbuf();
    return text.str();
}

int run(const std::vector<std::string>& arguments) {
    const Options options = parse_options(arguments);
    if (options.version) {
        std::cout << "sipalgctl " SIPALG_VERSION "\n";
        return 0;
    }
    if (options.help || options.command == "help") {
        const Command* command = find_command(options.argument);
        std::cout << (command == nullptr ? help_text() : help_text(*command));
        return 0;
    }
    if (options.command == "explain") return explain_file(options, std::cout);
    if (options.command == "doctor")
        return options.test_call ? run_test_call(options) : run_doctor(options.control, options.json);
    if (options.command == "watch")
        return on_terminal() && !options.json && !options.lines ? watch_on_screen(options)
                                                                : watch(options, std::cout);
    if (options.command == "record") return record(options, std::cerr);
    const bool metrics_wanted = options.command == "metrics";
    Json request{{"command", metrics_wanted ? "status" : options.command}};
    if (!options.argument.empty()) request["id"] = options.argument;
    if (options.all) request["all"] = true;
    if (options.ended) request["ended"] = true;
    const Json document = chosen_rows(ask(options.control, request), options.phone, options.call);
    const bool not_serving = options.command == "status" && !flag(document, "serving");
    // ASCII only: text from the network must not control the terminal.
    if (metrics_wanted)
        std::cout << metrics(document, ask(options.control, {{"command", "limits"}}), kernel_queues(),
                             options.prometheus ? MetricsFormat::prometheus : MetricsFormat::open_metrics);
    else if (options.json)
        std::cout << document.dump(2, ' ', true) << '\n';
    else
        std::cout << view(options.command, document, layout(options));
    if (!not_serving) return 0;
    std::cerr << "sipalgctl: sipalgd is not serving\n";
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const int status = run({argv + (argc > 0 ? 1 : 0), argv + argc});
        errno = 0;
        if (std::cout.flush()) return status;
        const std::string why = errno == 0 ? std::string() : std::string(": ") + std::strerror(errno);
        std::cerr << "sipalgctl: the output cannot be written" << why << '\n';
        return 1;
    } catch (const sipalg::ctl::UsageError& error) {
        std::cerr << "sipalgctl: " << error.what() << '\n';
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "sipalgctl: " << error.what() << '\n';
        return 1;
    }
}
