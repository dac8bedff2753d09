#include "alg/tcp/record_piece.hpp"

#include "alg/kernel/record.hpp"
#include "alg/tcp/connection.hpp"
#include "alg/tcp/varint.hpp"

namespace sipalg::tcp {

namespace {

// The layout and the number of bytes behind it.
constexpr std::size_t frame = 2;

std::string framed(std::uint8_t layout, std::string_view bytes) {
    std::string piece{static_cast<char>(layout), static_cast<char>(bytes.size())};
    piece += bytes;
    return piece;
}

std::string written(const LogHead& head) {
    RecordWriter fixed;
    fixed.number(head.serial, 4);
    fixed.number(head.pieces, 2);
    fixed.number((head.directions[0].spoke_sip ? 1U : 0U) | (head.directions[1].spoke_sip ? 2U : 0U), 1);
    std::string bytes = fixed.take();
    for (const RecordedPositions& one : head.directions) {
        put_varint(bytes, one.parsed);
        put_varint(bytes, one.acknowledged_out);
        put_varint(bytes, one.local_ack);
        put_varint(bytes, one.growth);
    }
    return bytes;
}

}  // namespace

std::string write_head(const Connection& connection) {
    RecordWriter out;
    out.endpoint(connection.key.phone);
    out.endpoint(connection.key.peer);
    out.address(connection.egress.address);
    out.address(connection.egress.advertised);
    out.number(static_cast<std::uint64_t>(connection.opener), 1);
    for (const Direction* direction : {&connection.from_phone, &connection.from_peer}) {
        out.number(direction->initial(), 4);
        out.number(direction->mss, 2);
        out.number(direction->window_scale, 1);
        out.number((direction->sack ? 1U : 0U) | (direction->timestamps ? 2U : 0U), 1);
    }
    return framed(head_layout, out.take());
}

std::string write_log(const LogHead& head, std::string_view edits) {
    return framed(log_layout, written(head) + std::string(edits));
}

std::size_t log_overhead(const LogHead& head) {
    return frame + written(head).size();
}

bool EditWriter::add(std::size_t direction, Position begin, Position end, std::string_view text,
                     std::size_t room) {
    const std::size_t before = bytes.size();
    put_varint(bytes, static_cast<std::int64_t>(direction));
    put_varint(bytes, begin - ends[direction]);
    put_varint(bytes, end - begin);
    put_varint(bytes, static_cast<std::int64_t>(text.size()));
    bytes += text;
    if (bytes.size() > room) {
        bytes.resize(before);
        return false;
    }
    ends[direction] = end;
    return true;
}

std::vector<std::string_view> cut_record(std::string_view joined) {
    std::vector<std::string_view> pieces;
    while (joined.size() >= frame) {
        const auto layout = static_cast<std::uint8_t>(joined[0]);
        const std::size_t size = frame + static_cast<std::uint8_t>(joined[1]);
        if ((layout != head_layout && layout != log_layout) || size > joined.size()) return {};
        pieces.push_back(joined.substr(0, size));
        joined.remove_prefix(size);
    }
    if (!joined.empty()) return {};
    return pieces;
}

}  // namespace sipalg::tcp
