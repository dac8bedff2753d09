#include "alg/net/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sipalg {

Address Address::v4(std::uint32_t host_order) {
    Address a;
    a.family_ = Family::v4;
    const std::uint32_t network_order = htonl(host_order);
    std::memcpy(a.bytes_.data(), &network_order, sizeof network_order);
    return a;
}

Address Address::v4(const std::array<std::uint8_t, 4>& bytes) {
    Address a;
    a.family_ = Family::v4;
    std::copy(bytes.begin(), bytes.end(), a.bytes_.begin());
    return a;
}

Address Address::v6(const std::array<std::uint8_t, 16>& bytes) {
    Address a;
    a.family_ = Family::v6;
    a.bytes_ = bytes;
    return a;
}

namespace {

unsigned digit(char c) {
    return static_cast<unsigned char>(c) - unsigned{'0'};
}

// A separate parser, because each header with an address needs it and inet_pton takes several times as long.
// Returns the length of the dotted quad at the beginning of the text; 0: there is none.
inline std::size_t read_quad(std::string_view text, std::uint32_t& value) {
    // Zeros after the text end its last number, so that positions need no checks.
    constexpr std::size_t longest = 15;
    if (text.size() < 7) return 0;
    char padded[longest + 5] = {};
    if (text.size() > longest) {
        std::memcpy(padded, text.data(), longest + 1);
    } else if (text.size() >= 8) {
        std::memcpy(padded, text.data(), 8);
        std::memcpy(padded + text.size() - 8, text.data() + text.size() - 8, 8);
    } else {
        std::memcpy(padded, text.data(), 7);
    }
    const char* p = padded;
    for (int part = 0; part < 4; ++part) {
        if (part > 0 && *p++ != '.') return 0;
        unsigned octet = digit(*p++);
        if (octet > 9) return 0;
        // A zero ends the number, because a digit after it would make it a leading zero.
        if (const unsigned second = digit(*p); second <= 9 && octet > 0) {
            octet = octet * 10 + second;
            if (const unsigned third = digit(*++p); third <= 9) {
                octet = octet * 10 + third;
                ++p;
                if (octet > 255) return 0;
            }
        }
        value = value << 8 | octet;
    }
    return static_cast<std::size_t>(p - padded);
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
    if (text.empty()) return std::nullopt;
    if (std::uint32_t value = 0; read_quad(text, value) == text.size()) return v4(value);
    if (text.find(':') == std::string_view::npos) return std::nullopt;
    char buffer[INET6_ADDRSTRLEN];
    if (text.size() >= sizeof buffer) return std::nullopt;
    std::memcpy(buffer, text.data(), text.size());
    buffer[text.size()] = '\0';
    if (std::strlen(buffer) != text.size()) return std::nullopt;
    std::array<std::uint8_t, 16> bytes{};
    if (inet_pton(AF_INET6, buffer, bytes.data()) != 1) return std::nullopt;
    return v6(bytes);
}

std::size_t Address::read_v4(std::string_view text, std::optional<Address>& address) {
    std::uint32_t value = 0;
    const std::size_t size = read_quad(text, value);
    if (size == 0) return 0;
    if (size < text.size() && (text[size] == '.' || digit(text[size]) <= 9)) return 0;
    address = v4(value);
    return size;
}

std::uint32_t Address::v4_value() const {
    if (!is_v4()) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value = value << 8 | bytes_[i];
    return value;
}

bool Address::is_unspecified() const {
    return family_ != Family::none &&
           std::all_of(bytes_.begin(), bytes_.end(), [](auto b) { return b == 0; });
}

bool Address::is_loopback() const {
    if (is_v4()) return bytes_[0] == 127;
    return is_v6() && bytes_[15] == 1 &&
           std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto b) { return b == 0; });
}

bool Address::is_multicast() const {
    if (is_v4()) return bytes_[0] >= 224 && bytes_[0] < 240;
    return is_v6() && bytes_[0] == 0xff;
}

bool Address::is_private() const {
    const std::uint32_t value = v4_value();
    return is_v4() && (value >> 24 == 10 || value >> 20 == 0xAC1 || value >> 16 == 0xC0A8 ||
                       value >> 22 == 0x191 || value >> 16 == 0xA9FE);
}

bool Address::is_broadcast() const {
    return is_v4() && v4_value() == 0xffffffff;
}

namespace {

/// The decimal text of a byte, and its length.
struct OctetText {
    std::array<char, 3> digits{};
    std::uint8_t size = 0;
};

constexpr std::array<OctetText, 256> make_octet_texts() {
    std::array<OctetText, 256> texts{};
    for (unsigned octet = 0; octet < texts.size(); ++octet) {
        OctetText& text = texts[octet];
        for (unsigned unit = octet >= 100 ? 100 : octet >= 10 ? 10 : 1; unit > 0; unit /= 10)
            text.digits[text.size++] = static_cast<char>('0' + octet / unit % 10);
    }
    return texts;
}
constexpr std::array<OctetText, 256> octet_texts = make_octet_texts();

}  // namespace

char* Address::write(char* out) const {
    if (!is_v4()) {
        char buffer[INET6_ADDRSTRLEN] = "none";
        if (is_v6()) inet_ntop(AF_INET6, bytes_.data(), buffer, sizeof buffer);
        return std::copy_n(buffer, std::strlen(buffer), out);
    }
    for (std::size_t i = 0; i < 4; ++i) {
        const OctetText& octet = octet_texts[bytes_[i]];
        if (i > 0) *out++ = '.';
        std::memcpy(out, octet.digits.data(),
                    octet.digits.size());  // surplus bytes are overwritten
        out += octet.size;
    }
    return out;
}

std::string Address::text() const {
    char buffer[max_text];
    return {buffer, write(buffer)};
}

std::string_view name(Transport transport) {
    return transport == Transport::udp ? "udp" : "tcp";
}

std::string Endpoint::text() const {
    std::string text = address.is_v6() ? "[" : "";
    text += address.text();
    text += address.is_v6() ? "]:" : ":";
    return text += std::to_string(port);
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
        return std::nullopt;
    const auto address = Address::parse(host);
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (!address || error != std::errc{} || end != port.data() + port.size()) return std::nullopt;
    return Endpoint{*address, number};
}

}  // namespace sipalg
