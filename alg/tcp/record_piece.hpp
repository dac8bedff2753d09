// The pieces of a connection's record: one for what stays the same, and a log of edits and positions.
//
// Each piece is read without the others. The head has what is fixed once a connection is open. A piece of the
// log has the positions of both directions at the time when it was written, and edits by their positions in
// the stream, so a later message does not change it. The piece with the highest serial has the positions that
// count. It also has the number of the pieces of the log, which tells whether one is missing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alg/tcp/connection_key.hpp"
#include "alg/tcp/position.hpp"
#include "alg/tcp/sequence_map.hpp"

namespace sipalg::tcp {

class Connection;

/// The first byte of each piece. Records of calls and bindings begin with other numbers.
inline constexpr std::uint8_t head_layout = 0xd3, log_layout = 0xd4;

/// The positions of one direction, and the growth by all of its edits, including those that are forgotten.
struct RecordedPositions {
    Position parsed = 0, acknowledged_out = 0, local_ack = 0;
    std::int64_t growth = 0;
    bool spoke_sip = false;
};

/// What a piece of the log begins with.
struct LogHead {
    std::uint32_t serial = 0;
    std::uint16_t pieces = 0;                       ///< of the log, including this one
    std::array<RecordedPositions, 2> directions{};  ///< from the phone, from the peer
};

/// The piece with the fixed part of a connection.
std::string write_head(const Connection& connection);
std::string write_log(const LogHead& head, std::string_view edits);
/// The number of bytes that write_log() adds to the edits.
std::size_t log_overhead(const LogHead& head);

/// Writes the edits of one piece. Each position is a distance from the edit before it in that direction.
class EditWriter {
  public:
    /// Texts that are longer are written in parts, each as an edit of the same range.
    static constexpr std::size_t longest_text = 120;

    /// The end of the last edit of each direction; 0: none.
    std::array<Position, 2> ends{};
    std::string bytes;

    /// False, and no effect: the piece would have more than `room` bytes.
    [[nodiscard]] bool add(std::size_t direction, Position begin, Position end, std::string_view text,
                           std::size_t room);
};

/// Cuts the pieces of a record, joined in any order, apart. Empty: they are damaged or of an older layout.
std::vector<std::string_view> cut_record(std::string_view joined);

}  // namespace sipalg::tcp
