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

// What nft's own scanner takes as a name without quotes, and the kernel as the name of a table or chain.
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
    if (!port) throw complaint(setting, "is no port; write a number from 1 to 65535, such as 5060");
    return static_cast<std::uint16_t>(*port);
}

std::uint16_t parse_queue(const Setting& setting) {
    const auto number = parse_number(setting.value, 0, 65533);  // and the two behind it
    if (!number) throw complaint(setting, "is no queue number; write a number from 0 to 65533");
    return static_cast<std::uint16_t>(*number);
}

Setting parse_interface(const Setting& setting) {
    const std::string& name = setting.value;
    // The kernel's dev_valid_name(), and no quotes, since they come from writing them in the file.
    const bool valid = !name.empty() && name.size() < IFNAMSIZ && name != "." && name != ".." &&
                       std::none_of(name.begin(), name.end(), [](unsigned char c) {
                           return c <= ' ' || c == '/' || c == ':' || c == '"' || c == ',' || c >= 0x7F;
                       });
    if (!valid)
        throw complaint(setting, "is no interface name; write one, such as eth0 (ip link lists them)");
    if (name == "lo")
        throw complaint(setting, "is the loopback interface; name the one that leads to a network");
    return setting;
}

Address parse_external_address(const Setting& setting) {
    const auto address = Address::parse(setting.value);
    if (!address || !address->is_v4() || address->is_unspecified() || address->is_loopback() ||
        address->is_multicast() || address->is_broadcast())
        throw complaint(setting, "is no public IPv4 address; write one, such as 203.0.113.7");
    return *address;
}

nft::AcceptIn parse_accept_in(const Setting& setting) {
    std::istringstream words(setting.value);
    std::vector<std::string> parts;
    for (std::string part; words >> part;)
        parts.push_back(part);
    static constexpr const char* right =
        "is no chain; write FAMILY TABLE CHAIN with FAMILY ip, ip6 or inet, such as 'inet filter forward', "
        "or "
        "auto (nft list chains shows them)";
    if (parts.size() != 3 || !nft_name(parts[1]) || !nft_name(parts[2])) throw complaint(setting, right);
    if (parts[0] != "ip" && parts[0] != "ip6" && parts[0] != "inet") throw complaint(setting, right);
    return {parts[0], parts[1], parts[2]};
}

std::string parse_table(const Setting& setting) {
    // Stricter than the names of others: it also names a lock and stands in comments.
    if (!nft_name(setting.value) || setting.value.size() > 64 || setting.value.find('.') != std::string::npos)
        throw complaint(setting,
                        "is no table name; write a letter, then letters, digits, '_' or '-', 64 at most");
    return setting.value;
}

std::string parse_control(const Setting& setting) {
    constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
    if (setting.value.empty() || setting.value.size() > longest || setting.value.back() == '/')
        throw complaint(setting, "is no path for a socket; write one of at most " + std::to_string(longest) +
                                     " bytes, such as /run/sipalg/control.sock");
    return setting.value;
}

std::pair<std::uint16_t, std::uint16_t> parse_media_ports(const Setting& setting) {
    const std::string_view text = setting.value;
    const std::size_t dash = text.find('-');
    const auto low = parse_number(text.substr(0, dash), 0, 65535);
    const auto high =
        dash == std::string_view::npos ? std::nullopt : parse_number(text.substr(dash + 1), 0, 65535);
    if (!low || !high) throw complaint(setting, "is no range of ports; write LO-HI, such as 16384-32767");
    if (*low > *high)
        throw complaint(
            setting, "is reversed; write " + std::to_string(*high + *high % 2) + "-" + std::to_string(*low));
    if (*low < 1024) throw complaint(setting, "begins below 1024; write LO-HI with LO at least 1024");
    if (*low % 2 != 0)
        throw complaint(setting, "begins with an odd port, but RTP takes the even port of a pair; write " +
                                     std::to_string(*low - 1) + "-" + std::to_string(*high) +
                                     " or a LO that is even");
    if (*high - *low < 3)
        throw complaint(setting, "is too small for one call; write a range of at least 4 ports");
    return {static_cast<std::uint16_t>(*low), static_cast<std::uint16_t>(*high)};
}

MediaSource parse_media_source(const Setting& setting) {
    if (setting.value == "negotiated") return MediaSource::negotiated;
    if (setting.value == "latch") return MediaSource::latch;
    if (setting.value == "any") return MediaSource::any;
    throw complaint(setting, "is no source of media; write negotiated, latch or any");
}

Mode parse_mode(const Setting& setting) {
    for (const Mode mode : {Mode::automatic, Mode::rewrite, Mode::pinhole, Mode::observe, Mode::off})
        if (setting.value == word(mode)) return mode;
    throw complaint(setting, "is no mode; write auto, rewrite, pinhole, observe or off");
}

Prefix parse_delegates(const Setting& setting) {
    const auto prefix = Prefix::parse(setting.value);
    if (!prefix || prefix->length == 0)
        throw complaint(
            setting,
            "is neither an address nor a prefix of hosts inside; write one, such as 192.168.1.0/24 (no "
            "bits behind the prefix)");
    return *prefix;
}

std::uint16_t parse_listen(const Setting& setting) {
    const std::uint16_t port = parse_port(setting);
    if (nat::is_forbidden_port(port))
        throw complaint(
            setting, "is a port of other services, which is never opened; let the phone listen at another");
    return port;
}

Nat parse_nat(const Setting& setting) {
    if (setting.value == "auto") return Nat::automatic;
    if (setting.value == "yes") return Nat::yes;
    if (setting.value == "no") return Nat::no;
    throw complaint(setting, "is neither auto, yes nor no; auto means private addresses are translated");
}

}  // namespace sipalg::daemon
