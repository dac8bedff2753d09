// The configuration file and the command line: options within their limits, or a sentence for people.
#include <sstream>

#include "alg/daemon/config/options.hpp"
#include "tests/fuzz/printable.hpp"

using namespace sipalg;
using daemon::Options;
using fuzz::require;

namespace {

void check(const Options& options) {
    require(options.media_low % 2 == 0 && options.media_low < options.media_high, "a range of media ports");
    require(!options.sip_ports.empty(), "there is a SIP port");
    for (const std::uint16_t port : options.sip_ports) {
        require(port > 0, "a port is not 0");
        for (const std::uint16_t tls : options.tls_ports)
            require(port != tls, "a port is either SIP or TLS");
    }
    require(options.treatments.media_source != MediaSource::any, "never any source of media for all (C5)");
    for (const auto* sections : {&options.treatments.peers, &options.treatments.phones})
        for (const Section& section : *sections)
            require(section.prefix.length > 0 && section.prefix.length <= 8 * section.prefix.address.size(),
                    "a section has a prefix");
    require(daemon::differences_that_need_a_restart(options, options).empty(), "options equal themselves");
    Options running;
    daemon::take_live_options(running, options);
    require(daemon::take_live_options(running, options).empty(), "what was taken does not differ");
}

}  // namespace

// Text up to a NUL is the file; then follow the words of the command line.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string input(reinterpret_cast<const char*>(data), size);
    const std::size_t end = std::min(input.find('\0'), size);
    std::vector<std::string> arguments;
    if (end < size) {
        std::istringstream words(input.substr(end + 1));
        for (std::string word; std::getline(words, word, '\0');)
            arguments.push_back(word);
    }
    try {
        const auto file = daemon::parse_config(input.substr(0, end), "file");
        const daemon::CommandLine line = daemon::parse_command_line(arguments);
        check(daemon::make_options(line.settings, file));
    } catch (const daemon::UsageError& error) {
        const std::string text = error.what();
        fuzz::require_printable(text, "a complaint");
        require(!text.empty(), "a complaint says something");
    }
    return 0;
}
