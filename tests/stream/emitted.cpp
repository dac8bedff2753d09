#include "tests/stream/emitted.hpp"

#include <stdexcept>

namespace sipalg::test {

namespace {

// Independent of the core, whose checksums it verifies. 0xffff if the checksum is correct.
std::uint32_t sum(const std::vector<std::uint8_t>& bytes, std::size_t begin, std::size_t end,
                  std::uint32_t start) {
    std::uint32_t total = start;
    for (std::size_t at = begin; at < end; ++at)
        total += at % 2 == begin % 2 ? static_cast<std::uint32_t>(bytes[at] << 8) : bytes[at];
    while (total > 0xffff)
        total = (total & 0xffff) + (total >> 16);
    return total;
}

}  // namespace

tcp::Segment check_emitted(const std::vector<std::uint8_t>& bytes, const Endpoint& source,
                           const Endpoint& destination) {
    const auto packet = parse_packet(bytes);
    if (!packet || packet->transport != Transport::tcp)
        throw std::runtime_error("a packet that can't be read is sent");
    const auto segment = tcp::parse_segment(bytes, *packet);
    if (!segment) throw std::runtime_error("a segment that can't be read is sent");
    if (packet->source != source || packet->destination != destination)
        throw std::runtime_error("a segment goes from " + packet->source.text() + " to " +
                                 packet->destination.text());
    const bool v4 = bytes[0] >> 4 == 4;
    const std::size_t stated = static_cast<std::size_t>(bytes[v4 ? 2 : 4] << 8 | bytes[v4 ? 3 : 5]);
    if (stated != bytes.size() - (v4 ? 0 : 40)) throw std::runtime_error("a packet has another length");
    const std::size_t tcp = packet->ip_header;
    if (v4 && sum(bytes, 0, tcp, 0) != 0xffff) throw std::runtime_error("an IP checksum is wrong");
    const std::size_t length = bytes.size() - tcp;
    const std::uint32_t addresses = sum(bytes, v4 ? 12 : 8, v4 ? 20 : 40, 6);
    if (sum(bytes, tcp, bytes.size(), addresses + static_cast<std::uint32_t>(length)) != 0xffff)
        throw std::runtime_error("a TCP checksum is wrong");
    return *segment;
}

}  // namespace sipalg::test
