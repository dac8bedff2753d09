#include "alg/daemon/start.hpp"

#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>

#include "alg/daemon/check.hpp"
#include "alg/daemon/config/log.hpp"
#include "alg/daemon/config/options.hpp"
#include "alg/daemon/daemon.hpp"
#include "alg/daemon/run/detach.hpp"
#include "alg/daemon/run/privileges.hpp"

namespace sipalg::daemon {

namespace {

enum Exit : int { clean = 0, failure = 1, usage = 2 };

int serve(CommandLine command_line, Options options) {
    refuse_user_namespace();
    // A detached daemon leaves its working directory.
    options.control = std::filesystem::absolute(options.control).lexically_normal();
    if (!options.config.empty()) command_line.config = std::filesystem::absolute(options.config);
    for (Setting& setting : command_line.settings)
        if (setting.name == "control") setting.value = options.control;
    std::optional<Detach> detach;
    if (!options.foreground) {
        detach.emplace();
        if (const auto status = detach->parent_status()) return *status;
    }
    Daemon daemon(command_line, options);
    daemon.run([&] {
        if (!detach) return;
        log_to_syslog();
        detach->serving();
    });
    return clean;
}

}  // namespace

int start(const std::vector<std::string>& arguments) {
    std::signal(SIGPIPE, SIG_IGN);
    try {
        const CommandLine command_line = parse_command_line(arguments);
        if (command_line.help) {
            std::cout << help_text();
            return clean;
        }
        if (command_line.version) {
            std::cout << "sipalgd " SIPALG_VERSION "\n";
            return clean;
        }
        const Options options = load_options(command_line);
        log_to_stderr();
        set_log_level(options.log_level);
        set_log_format(options.log_format);
        if (options.check) {
            check(options, std::cout);
            return clean;
        }
        return serve(command_line, options);
    } catch (const UsageError& error) {
        std::cerr << "sipalgd: " << error.what() << '\n';
        return usage;
    } catch (const nft::SettingsError& error) {
        log::error("{}", error.what());
        return usage;
    } catch (const std::exception& error) {
        // The log goes to syslog in a detached daemon, to stderr otherwise.
        log::error("{}", error.what());
        return failure;
    }
}

}  // namespace sipalg::daemon
