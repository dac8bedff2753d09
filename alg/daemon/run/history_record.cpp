#include "alg/daemon/run/history_record.hpp"

#include <cstdint>
#include <utility>
#include <vector>

#include "alg/kernel/record_fields.hpp"

namespace sipalg::daemon {

namespace {

constexpr std::uint16_t version = 1;

template <class Fields, class Media>
void media_fields(Fields& io, Media& media) {
    io.text(media.type);
    io.enumerated(media.known, static_cast<std::uint64_t>(EndedMedia::Known::packets) + 1);
    io.number(media.sent, 8);
    io.number(media.received, 8);
}

template <class Fields, class Row>
void row_fields(Fields& io, Row& row) {
    auto& call = row.call;
    io.text(call.call_id);
    io.text(call.from);
    io.text(call.to);
    io.address(call.phone);
    io.address(call.peer);
    io.flags(call.outgoing, row.observed);
    io.time(call.started);
    io.time(call.answered);
    io.time(call.ended);
    io.enumerated(call.why, end_reason_count);
    io.list(call.media, History::most_media, [](auto& each, auto& media) { media_fields(each, media); });
}

}  // namespace

std::string write_history(const History& history) {
    if (history.rows().empty()) return {};
    FieldWriter out;
    out.number(version, 2);
    out.number(history.rows().size(), 4);
    for (const History::Row& row : history.rows())
        row_fields(out, row);
    return out.take();
}

// The rows are restored only when all could be read.
Result<> read_history(std::string_view bytes, History& history) {
    if (bytes.empty()) return {};
    FieldReader in(bytes);
    std::uint16_t written = 0;
    in.number(written, 2);
    if (written != version) return Failure{"it is of another version of sipalgd"};
    std::uint32_t count = 0;
    in.number(count, 4);
    std::vector<History::Row> found;
    for (std::uint32_t i = 0; i < count && in.ok(); ++i)
        row_fields(in, found.emplace_back());
    if (!in.is_complete()) return Failure{"it is damaged"};
    for (History::Row& row : found)
        history.restore(std::move(row));
    return {};
}

}  // namespace sipalg::daemon
