#include "alg/kernel/record.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <utility>
#include <variant>

namespace sipalg {

namespace {

constexpr std::uint32_t clock_id = 0;  // RecordIds begins with 1
// A note: id, number of the piece, number of pieces, and the bytes.
constexpr std::size_t note_head = 6;
constexpr std::size_t note_room = Record::max_bytes - note_head;
constexpr std::uint8_t clock_layout = 0xc1;
constexpr Time clock_error{3'000};

std::size_t pieces_of(std::string_view record) {
    return (record.size() + Record::max_bytes - 1) / Record::max_bytes;
}

std::string_view piece(std::string_view record, std::size_t part) {
    const std::size_t begin = std::min(part * Record::max_bytes, record.size());
    return record.substr(begin, Record::max_bytes);
}

// One message may write a record twice: when it proves the peer, and when it answers the call.
bool replace_earlier(Record& record, Seconds timeout, std::vector<Change>& changes) {
    for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
        auto* earlier = std::get_if<Record>(&change->element);
        if (!earlier || earlier->id != record.id || earlier->part != record.part) continue;
        if (change->op == Change::Op::remove) return false;
        *earlier = std::move(record);
        change->timeout = timeout;
        return true;
    }
    return false;
}

std::vector<StoredRecord> records_in_notes(std::span<const StoredElement> elements, Time now) {
    struct Found {
        std::map<std::uint64_t, std::string_view> pieces;
        std::uint64_t count = 0;
        Time until{0};
    };
    std::map<std::uint32_t, Found> found;
    for (const StoredElement& stored : elements) {
        const std::uint32_t id = id_in_note(stored.note);
        if (id == 0 || !std::holds_alternative<Pinhole>(stored.element)) continue;
        RecordReader head(std::string_view(stored.note).substr(4));
        const Time until = now + stored.remaining;
        Found& one = found.try_emplace(id, Found{{}, 0, until}).first->second;
        one.pieces.emplace(head.number(1), std::string_view(stored.note).substr(note_head));
        one.count = head.number(1);
        one.until = std::min(one.until, until);
    }
    std::vector<StoredRecord> all;
    for (const auto& [id, one] : found) {
        if (one.pieces.size() != one.count || one.pieces.rbegin()->first != one.count - 1) continue;
        StoredRecord& record = all.emplace_back();
        record.id = id;
        record.until = one.until;
        record.in_notes = true;
        for (const auto& [part, bytes] : one.pieces)
            record.bytes += bytes;
    }
    return all;
}

}  // namespace

RecordPieces::RecordPieces(std::string_view record) {
    hashes_.reserve(pieces_of(record));
    for (std::size_t part = 0; part < pieces_of(record); ++part)
        hashes_.push_back(std::hash<std::string_view>{}(piece(record, part)));
}

void store_record(std::uint32_t id, const RecordPieces& before, const WrittenRecord& after, bool renew,
                  Seconds timeout, std::vector<Change>& changes) {
    for (std::size_t part = 0; part < std::max(before.size(), after.pieces.size()); ++part) {
        const std::string_view now = piece(after.bytes, part);
        Record record{id, static_cast<std::uint32_t>(part), {}};
        if (now.empty()) {
            changes.push_back({Change::Op::remove, std::move(record), Seconds{0}});
            continue;
        }
        if (!renew && before.shares(part, after.pieces)) continue;
        record.bytes = now;
        if (part >= before.size())
            changes.push_back({Change::Op::add, std::move(record), timeout});
        else if (!replace_earlier(record, timeout, changes))
            changes.push_back({Change::Op::renew, std::move(record), timeout});
    }
}

bool put_into_notes(std::uint32_t id, std::string_view record, std::span<Change* const> carriers) {
    const std::size_t count = (record.size() + note_room - 1) / note_room;
    if (count > carriers.size()) return false;
    for (std::size_t part = 0; part < count; ++part) {
        RecordWriter out(Record::max_bytes);
        out.number(id, 4);
        out.number(part, 1);
        out.number(count, 1);
        out.bytes(record.substr(part * note_room, note_room));
        carriers[part]->note = out.take();
    }
    return true;
}

std::uint32_t id_in_note(std::string_view note) {
    return note.size() < note_head ? 0 : static_cast<std::uint32_t>(RecordReader(note).number(4));
}

Change clock_record(Change::Op op, Time now) {
    RecordWriter out;
    out.number(clock_layout, 1);
    out.number(static_cast<std::uint64_t>(now.count()), 8);
    out.number(static_cast<std::uint64_t>(clock_lifetime.count()), 4);
    return {op, Record{clock_id, 0, out.take()}, clock_lifetime};
}

bool has_clock(std::span<const StoredElement> elements) {
    return std::any_of(elements.begin(), elements.end(), [](const StoredElement& stored) {
        const auto* record = std::get_if<Record>(&stored.element);
        return record && record->id == clock_id;
    });
}

Time clock_difference(std::span<const StoredElement> elements, Time now) {
    for (const StoredElement& stored : elements) {
        const auto* record = std::get_if<Record>(&stored.element);
        if (!record || record->id != clock_id) continue;
        RecordReader in(record->bytes);
        const std::uint64_t layout = in.number(1);
        const Time written{static_cast<std::int64_t>(in.number(8))};
        const Seconds lifetime{static_cast<std::int64_t>(in.number(4))};
        if (!in.ok() || layout != clock_layout || stored.remaining > lifetime) return Time{0};
        const Time difference = now - (written + (lifetime - stored.remaining));
        return std::chrono::abs(difference) > clock_error ? difference : Time{0};
    }
    return Time{0};
}

std::vector<StoredRecord> stored_records(std::span<const StoredElement> elements, Time now) {
    struct Piece {
        const Record* record;
        Time until;
    };
    std::vector<Piece> pieces;
    for (const StoredElement& stored : elements)
        if (const auto* record = std::get_if<Record>(&stored.element); record && record->id != clock_id)
            pieces.push_back({record, now + stored.remaining});
    const auto place = [](const Piece& piece) { return std::pair(piece.record->id, piece.record->part); };
    std::sort(pieces.begin(), pieces.end(),
              [&](const Piece& a, const Piece& b) { return place(a) < place(b); });
    std::vector<StoredRecord> all;
    for (const auto& [record, until] : pieces) {
        if (all.empty() || all.back().id != record->id) all.push_back({record->id, {}, until});
        StoredRecord& joined = all.back();
        joined.bytes += record->bytes;
        joined.parts.push_back(record->part);
        joined.until = std::min(joined.until, until);
    }
    const auto by_id = [](const StoredRecord& a, const StoredRecord& b) { return a.id < b.id; };
    const auto whole = static_cast<std::ptrdiff_t>(all.size());
    for (StoredRecord& record : records_in_notes(elements, now))
        if (!std::binary_search(all.begin(), all.begin() + whole, record, by_id))
            all.push_back(std::move(record));
    std::sort(all.begin(), all.end(), by_id);
    const Time clock = clock_difference(elements, now);
    for (StoredRecord& record : all)
        record.clock = clock;
    return all;
}

void StoredRecord::remove(std::vector<Change>& changes) const {
    for (const std::uint32_t part : parts)
        changes.push_back({Change::Op::remove, Record{id, part, {}}, Seconds{0}});
}

void RecordWriter::endpoints(const std::vector<Endpoint>& values) {
    number(values.size(), 1);
    for (const Endpoint& value : values)
        endpoint(value);
}

std::string_view RecordReader::take(std::size_t count) {
    if (count > rest_.size()) {
        ok_ = false;
        rest_ = {};
        return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
}

std::uint64_t RecordReader::number(unsigned bytes) {
    std::uint64_t value = 0;
    const std::string_view taken = take(bytes);
    for (std::size_t i = 0; i < taken.size(); ++i)
        value |= static_cast<std::uint64_t>(static_cast<unsigned char>(taken[i])) << (8 * i);
    return value;
}

std::string RecordReader::text() {
    return std::string(take(number(2)));
}

Address RecordReader::address() {
    const std::uint64_t size = number(1);
    if (size != 0 && size != 4 && size != 16) {
        ok_ = false;
        return {};
    }
    const std::string_view taken = take(size);
    std::array<std::uint8_t, 16> bytes{};
    std::transform(taken.begin(), taken.end(), bytes.begin(),
                   [](char c) { return static_cast<std::uint8_t>(c); });
    if (taken.size() == 4) return Address::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
    return taken.size() == 16 ? Address::v6(bytes) : Address{};
}

std::vector<Endpoint> RecordReader::endpoints(std::size_t most) {
    std::vector<Endpoint> values;
    const std::uint64_t count = number(1);
    if (count > most) ok_ = false;
    for (std::uint64_t i = 0; i < count && ok_; ++i)
        values.push_back(endpoint());
    return values;
}

Endpoint RecordReader::endpoint() {
    Endpoint value;
    value.address = address();
    value.port = static_cast<std::uint16_t>(number(2));
    return value;
}

}  // namespace sipalg
