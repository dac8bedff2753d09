// Addresses and endpoints of both families, as values.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sipalg {

enum class Family : std::uint8_t { none, v4, v6 };

/// An IPv4 or IPv6 address, or none. IPv4-mapped IPv6 addresses stay IPv6.
class Address {
  public:
    constexpr Address() = default;
    /// From four bytes in host order: 0xC0A80101 is 192.168.1.1.
    static Address v4(std::uint32_t host_order);
    /// From network bytes.
    static Address v4(const std::array<std::uint8_t, 4>& bytes);
    static Address v6(const std::array<std::uint8_t, 16>& bytes);
    /// Strict text: dotted quad without leading zeros, or RFC 4291 text without brackets, zone or prefix.
    static std::optional<Address> parse(std::string_view text);
    /// Reads a dotted quad at the beginning of `text` and stores it. Returns its length; 0: there is none, or
    /// a digit or a dot follows it.
    static std::size_t read_v4(std::string_view text, std::optional<Address>& address);

    Family family() const { return family_; }
    bool is_v4() const { return family_ == Family::v4; }
    bool is_v6() const { return family_ == Family::v6; }
    explicit operator bool() const { return family_ != Family::none; }
    /// Host-order value of an IPv4 address; 0 for anything else.
    std::uint32_t v4_value() const;
    /// Network bytes; 4 of them are meaningful for IPv4, 16 for IPv6.
    const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
    std::size_t size() const { return is_v4() ? 4 : is_v6() ? 16 : 0; }

    /// 0.0.0.0 or ::
    bool is_unspecified() const;
    bool is_loopback() const;
    bool is_multicast() const;
    /// 255.255.255.255 (the limited broadcast; directed ones need the interface's prefix)
    bool is_broadcast() const;
    /// An IPv4 address that is not reachable from the Internet: RFC 1918, RFC 6598 (carrier-grade NAT),
    /// link-local.
    bool is_private() const;
    /// RFC 5952 text, no brackets; "none" for none.
    std::string text() const;
    /// Writes the same text to `out`, which has room for max_text bytes. Returns the end; does not add a zero
    /// byte.
    char* write(char* out) const;
    static constexpr std::size_t max_text = sizeof "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" - 1;

    friend constexpr auto operator<=>(const Address&, const Address&) = default;
    // Compares words instead of bytes, and never by a call, because every look-up compares addresses.
    [[gnu::always_inline]] friend constexpr bool operator==(const Address& a, const Address& b) {
        return a.family_ == b.family_ && a.words() == b.words();
    }
    /// The bytes as two numbers in the byte order of the machine, for hashing.
    constexpr std::array<std::uint64_t, 2> words() const {
        return std::bit_cast<std::array<std::uint64_t, 2>>(bytes_);
    }

  private:
    std::array<std::uint8_t, 16> bytes_{};
    Family family_ = Family::none;
};

/// IP protocol numbers of the transports that carry SIP and media.
enum class Transport : std::uint8_t { tcp = 6, udp = 17 };
std::string_view name(Transport transport);

/// A transport address. Port in host order; 0 means "none given".
struct Endpoint {
    Address address;
    std::uint16_t port = 0;

    /// "192.168.1.10:5060", "[2001:db8::1]:5060"
    std::string text() const;
    /// Parses the format of text().
    static std::optional<Endpoint> parse(std::string_view text);
    friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
    [[gnu::always_inline]] friend constexpr bool operator==(const Endpoint& a, const Endpoint& b) {
        return a.port == b.port && a.address == b.address;
    }
};

/// An endpoint of one transport: UDP 5060 and TCP 5060 are different sockets.
struct Socket {
    Transport transport = Transport::udp;
    Endpoint endpoint;
    friend constexpr auto operator<=>(const Socket&, const Socket&) = default;
    [[gnu::always_inline]] friend constexpr bool operator==(const Socket& a, const Socket& b) {
        return a.transport == b.transport && a.endpoint == b.endpoint;
    }
};

/// Combines two words into a hash value with the 64-bit finaliser of MurmurHash3, which distributes adjacent
/// addresses and ports over all buckets.
inline std::size_t mix(std::uint64_t a, std::uint64_t b) {
    std::uint64_t h = a ^ (b + 0x9e3779b97f4a7c15ULL + (a << 6) + (a >> 2));
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdULL;
    h ^= h >> 33;
    return static_cast<std::size_t>(h);
}

}  // namespace sipalg

template <>
struct std::hash<sipalg::Address> {
    std::size_t operator()(const sipalg::Address& a) const noexcept {
        return sipalg::mix(a.words()[0] + static_cast<std::uint64_t>(a.family()), a.words()[1]);
    }
};
template <>
struct std::hash<sipalg::Endpoint> {
    std::size_t operator()(const sipalg::Endpoint& e) const noexcept {
        const auto [first, second] = e.address.words();
        const auto family = static_cast<std::uint64_t>(e.address.family());
        return sipalg::mix(first ^ second * 0x9e3779b97f4a7c15ULL, family << 16 | e.port);
    }
};
template <>
struct std::hash<sipalg::Socket> {
    std::size_t operator()(const sipalg::Socket& s) const noexcept {
        return std::hash<sipalg::Endpoint>{}(s.endpoint) + static_cast<std::size_t>(s.transport);
    }
};
