#include "nft/packet_set.hpp"

#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstring>

namespace sipalg::nft {

namespace {

// The place of a whole field among the bytes; nullopt: it is not there, or not whole.
std::optional<std::size_t> find(std::span<const Registers::Byte> bytes, PacketField field, std::size_t size) {
    for (std::size_t at = 0; at + size <= bytes.size(); ++at) {
        std::size_t same = 0;
        while (same < size && bytes[at + same].field == field && bytes[at + same].index == same)
            ++same;
        if (same == size) return at;
    }
    return std::nullopt;
}

// A name that is compared without its final zero matches all names that begin with it.
struct NamePattern {
    std::string text;
    bool is_prefix = false;
    bool matches(const std::string& name) const { return is_prefix ? name.starts_with(text) : name == text; }
};

std::optional<NamePattern> interface_name(std::span<const Registers::Byte> bytes,
                                          std::span<const std::uint8_t> value) {
    const auto first = find(bytes, PacketField::interface_name, 1);
    if (!first) return std::nullopt;
    std::size_t size = 0;
    while (*first + size < bytes.size() && bytes[*first + size].field == PacketField::interface_name)
        ++size;
    const auto* begin = reinterpret_cast<const char*>(value.data()) + *first;
    const std::size_t length = strnlen(begin, size);
    // A field of 16 bytes ends with a zero byte; iptables also compares the zero byte of a whole name.
    return NamePattern{std::string(begin, length), length == size};
}

}  // namespace

std::span<Registers::Byte> Registers::at(std::uint32_t reg, std::size_t size) {
    std::size_t first = bytes_.size();
    if (reg >= NFT_REG_1 && reg <= NFT_REG_4) first = (reg - NFT_REG_1) * 16;
    if (reg >= NFT_REG32_00 && reg <= NFT_REG32_15) first = (reg - NFT_REG32_00) * 4;
    return std::span(bytes_).subspan(first, std::min(size, bytes_.size() - first));
}

void Registers::load(std::uint32_t reg, std::size_t size, PacketField field, std::uint8_t first) {
    for (Byte& byte : at(reg, size))
        byte = {field, first++, 0};
}

void Registers::load(std::uint32_t reg, std::span<const std::uint8_t> constant) {
    std::size_t i = 0;
    for (Byte& byte : at(reg, constant.size()))
        byte = {PacketField::constant, 0, constant[i++]};
}

std::optional<std::vector<std::uint8_t>> Registers::constant(std::uint32_t reg, std::size_t size) {
    std::vector<std::uint8_t> value;
    for (const Byte& byte : at(reg, size))
        if (byte.field == PacketField::constant) value.push_back(byte.value);
    if (value.size() != size) return std::nullopt;
    return value;
}

bool PacketSet::narrow(std::span<const Registers::Byte> bytes, std::span<const std::uint8_t> from,
                       std::span<const std::uint8_t> to) {
    bytes = bytes.first(std::min({bytes.size(), from.size(), to.size()}));
    if (const auto at = find(bytes, PacketField::protocol, 1); at && from[*at] == to[*at]) {
        tcp = tcp && from[*at] == static_cast<std::uint8_t>(Transport::tcp);
        udp = udp && from[*at] == static_cast<std::uint8_t>(Transport::udp);
        if (!tcp && !udp) return false;
    }
    if (const auto at = find(bytes, PacketField::destination, 4);
        at && std::equal(&from[*at], &from[*at] + 4, &to[*at])) {
        const Address wanted = Address::v4({from[*at], from[*at + 1], from[*at + 2], from[*at + 3]});
        if (destination && destination != wanted) return false;
        destination = wanted;
    }
    if (const auto name = interface_name(bytes, from); name && !any_interface) {
        std::erase_if(interfaces, [&](const std::string& each) { return !name->matches(each); });
        if (interfaces.empty()) return false;
    }
    const auto at = find(bytes, PacketField::port, 2);
    if (!at) return true;
    const auto number = [&](std::span<const std::uint8_t> value) {
        return static_cast<unsigned>(value[*at] << 8 | value[*at + 1]);
    };
    return narrow_ports(number(from), number(to));
}

bool PacketSet::exclude(std::span<const Registers::Byte> bytes, std::span<const std::uint8_t> value) {
    bytes = bytes.first(std::min(bytes.size(), value.size()));
    const auto name = interface_name(bytes, value);
    if (!name || any_interface) return true;
    std::erase_if(interfaces, [&](const std::string& each) { return name->matches(each); });
    return !interfaces.empty();
}

bool PacketSet::narrow_ports(unsigned from, unsigned to) {
    if (from == 0 && to == 65535) return true;
    any_port = false;
    low = std::max(low, from);
    high = std::min(high, to);
    return low <= high;
}

}  // namespace sipalg::nft
