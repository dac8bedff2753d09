#include <exception>
#include <iostream>

#include "alg/ctl/commands.hpp"
#include "alg/ctl/doctor.hpp"
#include "alg/ctl/explain.hpp"
#include "alg/ctl/follow.hpp"
#include "alg/ctl/metrics.hpp"
#include "alg/ctl/options.hpp"
#include "alg/ctl/request.hpp"
#include "alg/ctl/view.hpp"

namespace {

int run(const std::vector<std::string>& arguments) {
    using namespace sipalg::ctl;
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
    if (options.command == "doctor") return run_doctor(options.control, options.json);
    if (options.command == "watch") return watch(options, std::cout);
    if (options.command == "record") return record(options, std::cerr);
    const bool metrics_wanted = options.command == "metrics";
    Json request{{"command", metrics_wanted ? "status" : options.command}};
    if (!options.argument.empty()) request["id"] = options.argument;
    if (options.all) request["all"] = true;
    const Json document = ask(options.control, request);
    const bool not_serving =
        options.command == "status" && !(document.is_object() && document.value("serving", false));
    // ASCII only: text from the network must not control the terminal.
    if (metrics_wanted)
        std::cout << metrics(document);
    else if (options.json)
        std::cout << document.dump(2, ' ', true) << '\n';
    else
        std::cout << view(options.command, document);
    if (!not_serving) return 0;
    std::cerr << "sipalgctl: sipalgd is not serving\n";
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run({argv + (argc > 0 ? 1 : 0), argv + argc});
    } catch (const sipalg::ctl::UsageError& error) {
        std::cerr << "sipalgctl: " << error.what() << '\n';
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "sipalgctl: " << error.what() << '\n';
        return 1;
    }
}
