#include "alg/tcp/old_record.hpp"

#include <algorithm>
#include <utility>

#include "alg/kernel/record.hpp"
#include "alg/tcp/connection.hpp"

namespace sipalg::tcp {

namespace {

// The first byte. The older layout had no opener and no flag for SIP.
constexpr std::uint8_t old_layout = 0xd2, layout_without_opener = 0xd1;
constexpr std::uint64_t max_edits = 4096;

void read_direction(RecordReader& in, Direction& direction, bool with_spoke) {
    Direction::Saved saved;
    saved.initial = static_cast<std::uint32_t>(in.number(4));
    saved.parsed = static_cast<Position>(in.number(8));
    saved.acknowledged_out = static_cast<Position>(in.number(8));
    saved.local_ack = static_cast<Position>(in.number(8));
    saved.base = static_cast<std::int64_t>(in.number(8));
    const auto mss = static_cast<std::uint16_t>(in.number(2));
    const auto window_scale = static_cast<std::uint8_t>(in.number(1));
    const std::uint64_t options = in.number(1);
    if (with_spoke) saved.spoke_sip = (options & 4) != 0;
    const std::uint64_t count = std::min(in.number(2), max_edits);
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        // Offsets count back from `parsed`.
        SequenceMap::Edit& edit = saved.edits.emplace_back();
        edit.begin = saved.parsed - static_cast<Position>(in.number(4));
        edit.end = edit.begin + static_cast<Position>(in.number(4));
        edit.text = in.text();
    }
    direction.restore(std::move(saved));
    direction.mss = mss;
    direction.window_scale = window_scale;
    direction.sack = (options & 1) != 0;
    direction.timestamps = (options & 2) != 0;
}

}  // namespace

std::optional<Connection> read_old_record(std::string_view bytes, Time now) {
    RecordReader in(bytes);
    const std::uint64_t first = in.number(1);
    if (first != old_layout && first != layout_without_opener) return std::nullopt;
    const bool with_opener = first != layout_without_opener;
    ConnectionKey key;
    key.phone = in.endpoint();
    key.peer = in.endpoint();
    Egress egress;
    egress.address = in.address();
    egress.advertised = in.address();
    const Side opener = with_opener ? static_cast<Side>(in.number(1)) : Side::inside;
    std::optional<Connection> connection(std::in_place, key, egress, opener, now);
    read_direction(in, connection->from_phone, with_opener);
    read_direction(in, connection->from_peer, with_opener);
    if (!in.ok() || !in.at_end()) return std::nullopt;
    return connection;
}

}  // namespace sipalg::tcp
