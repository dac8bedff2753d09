#include "alg/daemon/config/values.hpp"

#include <net/if.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "alg/nat/ports.hpp"

namespace sipalg::daemon {

namespace {

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t least, std::uint32_t most) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
        return std::nullopt;
    return value;
}

// Whether nft(8) reads the name without quotes, and the kernel accepts it for a table or chain.
bool nft_name(std::string_view text) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto other = [](char c) { return (c >= '0' && c <= '9') || c == '-' || c == '.'; };
    return !text.empty() && text.size() <= 128 && letter(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || other(c); });
}

}  // namespace

bool parse_switch(const Setting& setting) {
    if (setting.value.empty() || setting.value == "yes" || setting.value == "true") return true;
    if (setting.value == "no" || setting.value == "false") return false;
    throw complaint(setting, "is neither yes nor no");
}

std::uint16_t parse_port(const Setting& setting) {
    const auto port = parse_number(setting.value, 1, 65535);
    if (!port) throw complaint(setting, "is not a port number (expected 1-65535, for example 5060)");
    return static_cast<std::uint16_t>(*port);
}

std::size_t parse_limit(const Setting& setting, std::size_t most) {
    const auto number = parse_number(setting.value, 1, static_cast<std::uint32_t>(most));
    if (!number) throw complaint(setting, "is not a limit (expected 1-" + std::to_string(most) + ")");
    return static_cast<std::size_t>(*number);
}

std::string parse_emergency_number(const Setting& setting) {
    constexpr std::size_t longest = 15;  // E.164
    const std::string& number = setting.value;
    if (number.empty() || number.size() > longest ||
        number.find_first_not_of("0123456789*#") != std::string::npos)
        throw complaint(setting, "is not a number to dial (expected digits, * and #, for example 110)");
    return number;
}

std::size_t parse_history(const Setting& setting) {
    const auto number = parse_number(setting.value, 0, 10'000);
    if (!number) throw complaint(setting, "is not a number of calls (expected 0-10000, for example 200)");
    return static_cast<std::size_t>(*number);
}

std::uint16_t parse_queue(const Setting& setting) {
    const auto number = parse_number(setting.value, 0, 65533);  // the next two are used too
    if (!number) throw complaint(setting, "is not a queue number (expected 0-65533)");
    return static_cast<std::uint16_t>(*number);
}

Setting parse_interface(const Setting& setting) {
    const std::string& name = setting.value;
    // Like the kernel's dev_valid_name(), but without quotes, which the file does not use.
    const bool valid = !name.empty() && name.size() < IFNAMSIZ && name != "." && name != ".." &&
                       std::none_of(name.begin(), name.end(), [](unsigned char c) {
                           return c <= ' ' || c == '/' || c == ':' || c == '"' || c == ',' || c >= 0x7F;
                       });
    if (!valid) throw complaint(setting, "is not an interface name (for example eth0; 'ip link' lists them)");
    if (name == "lo")
        throw complaint(setting, "is the loopback interface (expected one that leads to a network)");
    return setting;
}

Address parse_external_address(const Setting& setting) {
    const auto address = Address::parse(setting.value);
    if (!address || !address->is_v4() || address->is_unspecified() || address->is_loopback() ||
        address->is_multicast() || address->is_broadcast())
        throw complaint(setting, "is not a public IPv4 address (for example 203.0.113.7)");
    return *address;
}

nft::AcceptIn parse_accept_in(const Setting& setting) {
    std::istringstream words(setting.value);
    std::vector<std::string> parts;
    for (std::string part; words >> part;)
        parts.push_back(part);
    static constexpr const char* wrong =
        "is not a chain (expected FAMILY TABLE CHAIN with FAMILY ip, ip6 or inet, for example 'inet filter "
        "forward', or auto or none; 'nft list chains' lists them)";
    if (parts.size() != 3 || !nft_name(parts[1]) || !nft_name(parts[2])) throw complaint(setting, wrong);
    if (parts[0] != "ip" && parts[0] != "ip6" && parts[0] != "inet") throw complaint(setting, wrong);
    return {parts[0], parts[1], parts[2]};
}

std::string parse_table(const Setting& setting) {
    // Stricter than for other tables: the name is also part of a lock's name and of comments.
    if (!nft_name(setting.value) || setting.value.size() > 64 || setting.value.find('.') != std::string::npos)
        throw complaint(setting,
                        "is not a table name (expected a letter, then letters, digits, '_' or '-', at most "
                        "64 characters)");
    return setting.value;
}

Setting parse_group(const Setting& setting) {
    if (setting.value.empty() || setting.value.find_first_of(": \t,") != std::string::npos)
        throw complaint(setting, "is not a name of a group");
    return setting;
}

std::string parse_control(const Setting& setting) {
    constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
    if (setting.value.empty() || setting.value.size() > longest || setting.value.back() == '/')
        throw complaint(setting, "is not a path for a socket (expected at most " + std::to_string(longest) +
                                     " bytes, for example /run/sipalg/control.sock)");
    return setting.value;
}

namespace {

// LO and HI, the lower one first in the result; `reversed`: they are written the other way round.
PortRange parse_range(const Setting& setting, bool& reversed) {
    const std::string_view text = setting.value;
    const std::size_t dash = text.find('-');
    const auto low = parse_number(text.substr(0, dash), 0, 65535);
    const auto high =
        dash == std::string_view::npos ? std::nullopt : parse_number(text.substr(dash + 1), 0, 65535);
    if (!low || !high)
        throw complaint(setting, "is not a port range (expected LO-HI, for example 16384-32767)");
    reversed = *low > *high;
    return {static_cast<std::uint16_t>(std::min(*low, *high)),
            static_cast<std::uint16_t>(std::max(*low, *high))};
}

void require_unprivileged(const Setting& setting, PortRange range) {
    if (range.low < 1024)
        throw complaint(setting, "begins below 1024 (expected LO-HI with LO at least 1024)");
}

}  // namespace

std::pair<std::uint16_t, std::uint16_t> parse_media_ports(const Setting& setting) {
    bool reversed = false;
    const PortRange range = parse_range(setting, reversed);
    const unsigned even = range.low + range.low % 2U;
    if (reversed)
        throw complaint(setting,
                        "is reversed; write " + std::to_string(even) + "-" + std::to_string(range.high));
    require_unprivileged(setting, range);
    if (range.low != even)
        throw complaint(setting, "begins with an odd port, but RTP uses the even port of a pair; write " +
                                     std::to_string(range.low - 1) + "-" + std::to_string(range.high) +
                                     " or another even LO");
    if (range.high - range.low < 3)
        throw complaint(setting, "is too small for a call (expected at least 4 ports)");
    return {range.low, range.high};
}

PortRange parse_public_ports(const Setting& setting) {
    bool reversed = false;
    const PortRange range = parse_range(setting, reversed);
    if (reversed) throw complaint(setting, "is reversed; write " + range.text());
    require_unprivileged(setting, range);
    return range;
}

std::string parse_state(const Setting& setting) {
    // A detached daemon leaves its working directory.
    if (!setting.value.starts_with('/') || setting.value.ends_with('/'))
        throw complaint(setting, "is not the absolute path of a file (for example /run/sipalg/state)");
    return setting.value;
}

MediaSource parse_media_source(const Setting& setting) {
    if (setting.value == "negotiated") return MediaSource::negotiated;
    if (setting.value == "latch") return MediaSource::latch;
    if (setting.value == "any") return MediaSource::any;
    throw complaint(setting, "is not a media source (expected negotiated, latch or any)");
}

Mode parse_mode(const Setting& setting) {
    for (const Mode mode : {Mode::automatic, Mode::rewrite, Mode::pinhole, Mode::observe, Mode::off})
        if (setting.value == word(mode)) return mode;
    throw complaint(setting, "is not a mode (expected auto, rewrite, pinhole, observe or off)");
}

Prefix parse_delegates(const Setting& setting) {
    const auto prefix = Prefix::parse(setting.value);
    if (!prefix || prefix->length == 0)
        throw complaint(setting,
                        "is neither an address nor a prefix of inside hosts (for example 192.168.1.0/24, "
                        "without host bits)");
    return *prefix;
}

std::uint16_t parse_listen(const Setting& setting) {
    const std::uint16_t port = parse_port(setting);
    if (nat::is_forbidden_port(port))
        throw complaint(
            setting, "belongs to another service and is never opened (X2); let the phone use another port");
    return port;
}

Nat parse_nat(const Setting& setting) {
    if (setting.value == "auto") return Nat::automatic;
    if (setting.value == "yes") return Nat::yes;
    if (setting.value == "no") return Nat::no;
    throw complaint(setting, "is neither auto, yes nor no");
}

}  // namespace sipalg::daemon
