#include "alg/explain/tcp_messages.hpp"

#include <algorithm>

#include "alg/sip/splitter.hpp"

namespace sipalg::explain {

namespace {

constexpr std::size_t most_later = 256;  // segments after a gap
constexpr std::uint8_t syn = 0x02;

std::uint32_t u32(Bytes bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value = value << 8 | bytes[at + i];
    return value;
}

}  // namespace

const std::vector<std::string>& TcpMessages::take(const capture::CapturedPacket& captured) {
    complete_.clear();
    const Packet& packet = captured.packet;
    const std::uint32_t sequence = u32(captured.bytes, packet.ip_header + 4);
    if ((captured.bytes[packet.ip_header + 13] & syn) != 0) {
        Stream& stream = streams_[{packet.source, packet.destination}] = {};
        stream.has_begin = stream.readable = true;
        stream.next = sequence + 1;
        return complete_;
    }
    if (packet.payload.empty()) return complete_;
    const auto known = streams_.find({packet.source, packet.destination});
    if (known == streams_.end()) {
        if (sip::classify_datagram(packet.payload) != sip::Kind::message) return complete_;
        Stream& stream = streams_[{packet.source, packet.destination}];
        stream.readable = true;
        stream.next = sequence;
        add(stream, sequence, packet.payload);
        read(stream);
    } else if (known->second.readable) {
        add(known->second, sequence, packet.payload);
        read(known->second);
    }
    return complete_;
}

bool TcpMessages::has_begin(const Endpoint& source, const Endpoint& destination) const {
    const auto known = streams_.find({source, destination});
    return known != streams_.end() && known->second.has_begin;
}

void TcpMessages::add(Stream& stream, std::uint32_t sequence, std::string_view payload) {
    const auto ahead = static_cast<std::int32_t>(sequence - stream.next);
    if (ahead > 0) {
        if (stream.later.size() < most_later) stream.later[sequence] = payload;
        return;
    }
    const std::size_t known = static_cast<std::uint32_t>(-ahead);
    if (known >= payload.size()) return;
    payload.remove_prefix(known);
    stream.bytes += payload;
    stream.next += static_cast<std::uint32_t>(payload.size());
}

void TcpMessages::read(Stream& stream) {
    for (auto it = stream.later.begin(); it != stream.later.end();) {
        if (static_cast<std::int32_t>(it->first - stream.next) > 0) {
            ++it;
            continue;
        }
        add(stream, it->first, it->second);
        stream.later.erase(it);
        it = stream.later.begin();
    }
    std::size_t position = 0;
    while (stream.readable && stream.bytes.size() - position >= std::max(stream.wanted, std::size_t{1})) {
        const std::string_view rest = std::string_view(stream.bytes).substr(position);
        const sip::Piece piece = sip::next_piece(rest, stream.seen);
        stream.wanted = piece.wanted;
        stream.seen = piece.seen;
        if (piece.kind == sip::Kind::need_more) break;
        if (piece.kind == sip::Kind::message) complete_.emplace_back(rest.substr(0, piece.length));
        stream.readable = piece.kind == sip::Kind::message || piece.kind == sip::Kind::keep_alive ||
                          piece.kind == sip::Kind::stun;
        position += std::min(piece.length, rest.size());
    }
    stream.bytes.erase(0, position);
    if (stream.readable) return;
    stream.bytes.clear();
    stream.later.clear();
}

}  // namespace sipalg::explain
