// Measures what one packet of media costs on its way through a router: on links inside one machine, send()
// returns after the packet has passed all of it, up to the receiver's socket.
//
// usage: media_load ADDRESS:PORT ADDRESS:PORT [BATCHES]   from the first to the second; prints nanoseconds a
// packet
//        media_load ADDRESS:PORT                          receives and discards until it is ended
#include <arpa/inet.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <string>
#include <system_error>

#include "tests/bench/socket.hpp"

namespace {

constexpr int packets_in_batch = 10'000;
using Payload = std::array<char, 172>;  // RTP: 20 ms of G.711

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in address_of(const std::string& text) {
    const auto colon = text.find(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (colon == std::string::npos ||
        inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1)
        throw std::runtime_error(text + " is not ADDRESS:PORT");
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1))));
    return address;
}

int open_socket(const sockaddr_in& local) {
    const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) fail("socket");
    if (bind(descriptor, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) fail("bind");
    return descriptor;
}

// A filter that passes nothing: every packet costs the same, whether the receiver is quick or not.
void discard(int descriptor) {
    std::array<sock_filter, 1> program{{BPF_STMT(BPF_RET | BPF_K, 0)}};
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) fail("filter");
}

double batch(int descriptor) {
    const Payload payload{static_cast<char>(0x80)};
    const auto start = bench::Clock::now();
    for (int i = 0; i < packets_in_batch; ++i)
        [[maybe_unused]] const ssize_t sent = send(descriptor, payload.data(), payload.size(), 0);
    const std::chrono::duration<double, std::nano> spent = bench::Clock::now() - start;
    return spent.count() / packets_in_batch;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc < 2) throw std::runtime_error("usage: media_load LOCAL [REMOTE [BATCHES]]");
        const int descriptor = open_socket(address_of(argv[1]));
        discard(descriptor);
        if (argc == 2) {
            std::puts("ready");
            std::fflush(stdout);
            pause();
            return 0;
        }
        const sockaddr_in remote = address_of(argv[2]);
        if (connect(descriptor, reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0)
            fail("connect");
        double best = std::numeric_limits<double>::max();
        for (int left = argc > 3 ? std::atoi(argv[3]) : 30; left > 0; --left)
            best = std::min(best, batch(descriptor));
        std::printf("{\"ns\": %.1f}\n", best);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "media_load: %s\n", error.what());
        return 1;
    }
}
