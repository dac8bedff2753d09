// What a restarted daemon needs of a connection whose bytes have moved (T4).
#include "alg/kernel/record.hpp"
#include "alg/tcp/connection.hpp"

namespace sipalg::tcp {

namespace {

// Counted up when the layout changes. Records of calls and bindings begin with other numbers.
constexpr std::uint64_t layout = 0xd1;
constexpr std::size_t max_edits = 4096;

void write_half(const Direction& half, RecordWriter& out) {
    out.number(half.initial(), 4);
    out.number(static_cast<std::uint64_t>(half.parsed()), 8);
    out.number(static_cast<std::uint64_t>(half.acknowledged_out()), 8);
    out.number(static_cast<std::uint64_t>(half.next_told()), 8);
    out.number(static_cast<std::uint64_t>(half.shift().base()), 8);
    out.number(half.mss, 2);
    out.number(half.window_scale, 1);
    out.number((half.sack ? 1U : 0U) | (half.timestamps ? 2U : 0U), 1);
    out.number(half.shift().edits().size() + half.planned().size(), 2);
    for (const auto* edits : {&half.shift().edits(), &half.planned()})
        for (const SequenceMap::Edit& edit : *edits) {
            out.number(static_cast<std::uint64_t>(half.parsed() - edit.begin), 4);
            out.number(static_cast<std::uint64_t>(edit.end - edit.begin), 4);
            out.text(edit.text);
        }
}

bool read_half(RecordReader& in, Direction& half) {
    const auto initial = static_cast<std::uint32_t>(in.number(4));
    const auto parsed = static_cast<Position>(in.number(8));
    const auto acknowledged = static_cast<Position>(in.number(8));
    const auto told = static_cast<Position>(in.number(8));
    SequenceMap shift;
    shift.set_base(static_cast<std::int64_t>(in.number(8)));
    const auto mss = static_cast<std::uint16_t>(in.number(2));
    const auto scale = static_cast<std::uint8_t>(in.number(1));
    const std::uint64_t options = in.number(1);
    const std::uint64_t edits = in.number(2);
    for (std::uint64_t i = 0; i < edits && i < max_edits && in.ok(); ++i) {
        const Position begin = parsed - static_cast<Position>(in.number(4));
        const Position end = begin + static_cast<Position>(in.number(4));
        shift.add({begin, end, in.text()});
    }
    half.restore(initial, true, parsed, std::move(shift), acknowledged, told);
    half.mss = mss;
    half.window_scale = scale;
    half.sack = (options & 1) != 0;
    half.timestamps = (options & 2) != 0;
    return in.ok();
}

}  // namespace

std::string write_record(const Connection& flow) {
    RecordWriter out;
    out.number(layout, 1);
    out.endpoint(flow.key.phone);
    out.endpoint(flow.key.peer);
    out.address(flow.egress.address);
    out.address(flow.egress.advertised);
    write_half(flow.from_phone, out);
    write_half(flow.from_peer, out);
    return out.take();
}

bool read_record(std::string_view bytes, Connection& flow) {
    RecordReader in(bytes);
    if (in.number(1) != layout) return false;
    flow.key.phone = in.endpoint();
    flow.key.peer = in.endpoint();
    flow.egress.address = in.address();
    flow.egress.advertised = in.address();
    return read_half(in, flow.from_phone) && read_half(in, flow.from_peer) && in.at_end();
}

}  // namespace sipalg::tcp
