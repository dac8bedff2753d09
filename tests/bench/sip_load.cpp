// Load for the rate benchmark: the phone's side and the provider's side of OPTIONS and calls over UDP or TCP.
#include "tests/bench/sip_load.hpp"

#include <getopt.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "tests/bench/stream.hpp"

namespace {

constexpr char usage[] =
    "usage: sip_load client --local ADDR --remote ADDR [--kind options|calls] [--outstanding N]\n"
    "                       [--media-pairs N] [--warm-up S] [--seconds S]\n"
    "       sip_load check  --local ADDR --remote ADDR [--outstanding CALLS]\n"
    "       sip_load server --local ADDR [--inside ADDR] [--stream]\n"
    "       each with [--transport udp|tcp]\n";

[[noreturn]] void fail(const std::string& why) {
    std::fprintf(stderr, "sip_load: %s\n%s", why.c_str(), usage);
    std::exit(2);
}

double number(const char* text, double low, double high) {
    char* end = nullptr;
    const double value = std::strtod(text, &end);
    if (end == text || *end != 0 || !(value >= low && value <= high)) {
        fail(std::string("number out of range: ") + text);
    }
    return value;
}

bench::Options parse(int argc, char** argv) {
    static const option names[] = {{"local", required_argument, nullptr, 'l'},
                                   {"remote", required_argument, nullptr, 'r'},
                                   {"kind", required_argument, nullptr, 'k'},
                                   {"outstanding", required_argument, nullptr, 'o'},
                                   {"warm-up", required_argument, nullptr, 'w'},
                                   {"seconds", required_argument, nullptr, 's'},
                                   {"inside", required_argument, nullptr, 'i'},
                                   {"stream", no_argument, nullptr, 't'},
                                   {"transport", required_argument, nullptr, 'p'},
                                   {"media-pairs", required_argument, nullptr, 'm'},
                                   {}};
    bench::Options options;
    for (int c = 0; (c = getopt_long(argc, argv, "", names, nullptr)) != -1;) {
        switch (c) {
            case 'l': options.local.address = optarg; break;
            case 'r': options.remote.address = optarg; break;
            case 'k':
                options.calls = std::strcmp(optarg, "calls") == 0;
                if (!options.calls && std::strcmp(optarg, "options") != 0) fail("--kind is options or calls");
                break;
            case 'p':
                options.tcp = std::strcmp(optarg, "tcp") == 0;
                if (!options.tcp && std::strcmp(optarg, "udp") != 0) fail("--transport is udp or tcp");
                break;
            case 'o': options.outstanding = static_cast<unsigned>(number(optarg, 1, 1000)); break;
            case 'm': options.media_pairs = static_cast<unsigned>(number(optarg, 1, 20000)); break;
            case 'w': options.warm_up = std::chrono::duration<double>(number(optarg, 0, 60)); break;
            case 's': options.measured = std::chrono::duration<double>(number(optarg, 0.01, 600)); break;
            case 'i': options.inside = optarg; break;
            case 't': options.stream = true; break;
            default: fail("unknown option");
        }
    }
    if (options.local.address.empty()) fail("--local is missing");
    return options;
}

void on_signal(int) {
    bench::request_stop();
}

}  // namespace

namespace bench {

std::unique_ptr<MessageSocket> open_phone(const Options& options, std::chrono::milliseconds patience) {
    if (options.tcp) return std::make_unique<TcpPhone>(options.local, options.remote, patience);
    return std::make_unique<UdpSocket>(options.local, patience);
}

std::unique_ptr<MessageSocket> open_provider(const Options& options, std::chrono::milliseconds patience) {
    if (options.tcp) return std::make_unique<TcpProvider>(options.local, patience);
    return std::make_unique<UdpSocket>(options.local, patience);
}

}  // namespace bench

int main(int argc, char** argv) {
    if (argc < 2) fail("client, check or server?");
    const std::string mode = argv[1];
    const bench::Options options = parse(argc - 1, argv + 1);
    try {
        if (mode == "server") {
            struct sigaction action {};
            action.sa_handler = on_signal;  // without SA_RESTART: it wakes the receiver
            sigaction(SIGTERM, &action, nullptr);
            sigaction(SIGINT, &action, nullptr);
            return bench::run_server(options);
        }
        if (options.remote.address.empty()) fail("--remote is missing");
        if (mode == "client") return bench::run_client(options);
        if (mode == "check") return bench::run_media_check(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "sip_load: %s\n", error.what());
        return 1;
    }
    fail("client, check or server?");
}
