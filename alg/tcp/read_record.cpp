#include "alg/tcp/read_record.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "alg/kernel/record.hpp"
#include "alg/tcp/connection.hpp"
#include "alg/tcp/old_record.hpp"
#include "alg/tcp/record_piece.hpp"
#include "alg/tcp/varint.hpp"

namespace sipalg::tcp {

namespace {

struct Options {
    std::uint32_t initial = 0;
    std::uint16_t mss = 0;
    std::uint8_t window_scale = 0;
    bool sack = false, timestamps = false;
};

struct Head {
    ConnectionKey key;
    Egress egress;
    Side opener = Side::inside;
    std::array<Options, 2> directions;
};

struct Log {
    LogHead head;
    std::array<std::vector<SequenceMap::Edit>, 2> edits;
};

std::optional<Head> read_head(std::string_view bytes) {
    RecordReader in(bytes);
    Head head;
    head.key.phone = in.endpoint();
    head.key.peer = in.endpoint();
    head.egress.address = in.address();
    head.egress.advertised = in.address();
    head.opener = static_cast<Side>(in.number(1));
    for (Options& one : head.directions) {
        one.initial = static_cast<std::uint32_t>(in.number(4));
        one.mss = static_cast<std::uint16_t>(in.number(2));
        one.window_scale = static_cast<std::uint8_t>(in.number(1));
        const std::uint64_t flags = in.number(1);
        one.sack = (flags & 1) != 0;
        one.timestamps = (flags & 2) != 0;
    }
    if (!in.ok() || !in.at_end() || head.opener > Side::outside) return std::nullopt;
    return head;
}

std::optional<Log> read_log(std::string_view bytes) {
    constexpr std::size_t fixed = 7;
    RecordReader in(bytes);
    Log log;
    log.head.serial = static_cast<std::uint32_t>(in.number(4));
    log.head.pieces = static_cast<std::uint16_t>(in.number(2));
    const std::uint64_t flags = in.number(1);
    bool ok = in.ok();
    std::string_view rest = bytes.substr(std::min(fixed, bytes.size()));
    for (std::size_t i = 0; i < 2; ++i) {
        RecordedPositions& one = log.head.directions[i];
        one.parsed = take_varint(rest, ok);
        one.acknowledged_out = take_varint(rest, ok);
        one.local_ack = take_varint(rest, ok);
        one.growth = take_varint(rest, ok);
        one.spoke_sip = (flags >> i & 1) != 0;
    }
    std::array<Position, 2> ends{};
    while (ok && !rest.empty()) {
        const std::int64_t direction = take_varint(rest, ok);
        const Position distance = take_varint(rest, ok);
        const Position length = take_varint(rest, ok);
        const std::int64_t size = take_varint(rest, ok);
        ok = ok && (direction == 0 || direction == 1) && length >= 0 && size >= 0 &&
             static_cast<std::uint64_t>(size) <= rest.size();
        if (!ok) break;
        const auto i = static_cast<std::size_t>(direction);
        const Position begin = ends[i] + distance;
        ends[i] = begin + length;
        log.edits[i].push_back({begin, ends[i], std::string(rest.substr(0, static_cast<std::size_t>(size)))});
        rest.remove_prefix(static_cast<std::size_t>(size));
    }
    if (!ok) return std::nullopt;
    return log;
}

// Joins the edits of all pieces of the log; parts of one edit become one. False: they contradict each other.
bool join(std::vector<SequenceMap::Edit> all, const RecordedPositions& positions, Direction::Saved& saved) {
    std::stable_sort(all.begin(), all.end(), [](const SequenceMap::Edit& a, const SequenceMap::Edit& b) {
        return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    saved.base = positions.growth;
    for (SequenceMap::Edit& edit : all) {
        saved.base -= static_cast<std::int64_t>(edit.text.size());
        if (!saved.edits.empty() && saved.edits.back().begin == edit.begin &&
            saved.edits.back().end == edit.end) {
            saved.edits.back().text += edit.text;
            continue;
        }
        saved.base += edit.end - edit.begin;
        const Position free = saved.edits.empty() ? 0 : saved.edits.back().end;
        if (edit.begin < free || edit.end > positions.parsed) return false;
        saved.edits.push_back(std::move(edit));
    }
    saved.parsed = positions.parsed;
    saved.acknowledged_out = positions.acknowledged_out;
    saved.local_ack = positions.local_ack;
    saved.spoke_sip = positions.spoke_sip;
    return true;
}

}  // namespace

std::optional<Connection> read_record(std::string_view bytes, Time now) {
    const std::vector<std::string_view> pieces = cut_record(bytes);
    if (pieces.empty()) return read_old_record(bytes, now);
    std::optional<Head> head;
    std::vector<Log> logs;
    for (const std::string_view piece : pieces) {
        const std::string_view inner = piece.substr(2);
        if (static_cast<std::uint8_t>(piece[0]) == head_layout) {
            if (head || !(head = read_head(inner))) return std::nullopt;
        } else if (auto log = read_log(inner)) {
            logs.push_back(std::move(*log));
        } else {
            return std::nullopt;
        }
    }
    if (!head || logs.empty()) return std::nullopt;
    std::sort(logs.begin(), logs.end(),
              [](const Log& a, const Log& b) { return a.head.serial < b.head.serial; });
    const LogHead& newest = logs.back().head;
    if (newest.pieces != logs.size()) return std::nullopt;
    std::optional<Connection> connection(std::in_place, head->key, head->egress, head->opener, now);
    for (std::size_t i = 0; i < 2; ++i) {
        std::vector<SequenceMap::Edit> edits;
        for (Log& log : logs)
            std::move(log.edits[i].begin(), log.edits[i].end(), std::back_inserter(edits));
        Direction::Saved saved;
        saved.initial = head->directions[i].initial;
        if (!join(std::move(edits), newest.directions[i], saved)) return std::nullopt;
        Direction& direction = i == 0 ? connection->from_phone : connection->from_peer;
        direction.restore(std::move(saved));
        direction.mss = head->directions[i].mss;
        direction.window_scale = head->directions[i].window_scale;
        direction.sack = head->directions[i].sack;
        direction.timestamps = head->directions[i].timestamps;
    }
    return connection;
}

}  // namespace sipalg::tcp
