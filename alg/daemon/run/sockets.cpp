#include "alg/daemon/run/sockets.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

namespace sipalg::daemon {

namespace {

template <typename Number>
bool parse_hex(std::string_view text, Number& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return error == std::errc{} && end == text.data() + text.size();
}

// The kernel prints each 32-bit word of an address as a number of its own byte order.
std::optional<Address> parse_address(std::string_view hex) {
    if (hex.size() != 8 && hex.size() != 32) return std::nullopt;
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < hex.size() / 8; ++i) {
        std::uint32_t word = 0;
        if (!parse_hex(hex.substr(8 * i, 8), word)) return std::nullopt;
        std::memcpy(bytes.data() + 4 * i, &word, sizeof word);
    }
    static constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const bool is_mapped = hex.size() == 32 && std::equal(mapped.begin(), mapped.end(), bytes.begin());
    if (hex.size() == 32 && !is_mapped) return Address::v6(bytes);
    std::array<std::uint8_t, 4> four{};
    std::copy_n(bytes.begin() + (is_mapped ? 12 : 0), 4, four.begin());
    return Address::v4(four);
}

// The second word of a line is "ADDRESS:PORT", as in "  12: 0100007F:0035 00000000:0000 07 ...".
std::optional<Endpoint> parse_line(std::string_view line) {
    static constexpr std::string_view blanks = " \t";
    const std::size_t number_end = line.find(": ");
    if (number_end == std::string_view::npos) return std::nullopt;
    line.remove_prefix(number_end + 1);
    const std::size_t start = line.find_first_not_of(blanks);
    if (start == std::string_view::npos) return std::nullopt;
    const std::string_view word = line.substr(start, line.find_first_of(blanks, start) - start);
    const std::size_t colon = word.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto address = parse_address(word.substr(0, colon));
    std::uint16_t port = 0;
    if (!address || !parse_hex(word.substr(colon + 1), port)) return std::nullopt;
    return Endpoint{*address, port};
}

}  // namespace

void parse_proc_net(std::string_view text, Transport transport, std::vector<Socket>& sockets) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const auto endpoint = parse_line(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (!endpoint || endpoint->port == 0) continue;
        sockets.push_back({transport, *endpoint});
        if (endpoint->address.is_v6() && endpoint->address.is_unspecified())
            sockets.push_back({transport, {Address::v4(0), endpoint->port}});
    }
}

std::vector<Socket> own_sockets() {
    std::vector<Socket> sockets;
    constexpr std::array<std::pair<const char*, Transport>, 4> tables{{
        {"/proc/self/net/udp", Transport::udp},
        {"/proc/self/net/udp6", Transport::udp},
        {"/proc/self/net/tcp", Transport::tcp},
        {"/proc/self/net/tcp6", Transport::tcp},
    }};
    for (const auto& [path, transport] : tables) {
        std::ifstream file(path);
        std::ostringstream text;
        // A missing table (no IPv6 in the kernel) means that there are no sockets.
        if (file && text << file.rdbuf()) parse_proc_net(text.view(), transport, sockets);
    }
    std::sort(sockets.begin(), sockets.end());
    sockets.erase(std::unique(sockets.begin(), sockets.end()), sockets.end());
    return sockets;
}

}  // namespace sipalg::daemon
