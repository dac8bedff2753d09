// The record of a connection in the kernel, for a restarted daemon (T4, A5).
//
// Theory of operation. Each message that is read moves the position from which a restarted daemon reads on,
// so each message changes the record, even if none of its bytes are changed: from another position neither
// the limits of messages nor the numbers of the two ends could be known. A busy connection has hundreds of
// edits that the receiver has not acknowledged. Therefore an update does not write them again. It appends to
// the newest piece of the log, or adds one, and removes the pieces of which the receiver has all bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/kernel/element.hpp"
#include "alg/kernel/record.hpp"
#include "alg/tcp/connection_key.hpp"
#include "alg/tcp/record_piece.hpp"

namespace sipalg::tcp {

class Connection;
class MessageSink;

/// The kernel's copy of a connection's record, and its SequenceMapped element. This element makes the kernel
/// drop segments of the connection while there is no daemon. update() requests changes; conclude() puts them
/// in force.
class ConnectionRecord {
  public:
    ConnectionRecord() = default;
    /// Restores the copy of an earlier daemon, which the next update() replaces. `mapped`: there is a
    /// SequenceMapped element.
    ConnectionRecord(const StoredRecord& stored, bool mapped, Time now);

    bool is_stored() const { return !pieces_.empty(); }
    std::uint32_t id() const { return id_; }
    /// The pieces that the kernel has, joined.
    std::string stored() const;
    bool is_mapped() const { return mapped_at_.has_value(); }

    /// Requests that the kernel stores the present connection, including planned edits.
    void update(const Connection& connection, MessageSink& sink, Time now, std::vector<Change>& changes);
    /// The kernel's answer to update().
    void conclude(bool in_force);
    void remove(const ConnectionKey& key, std::vector<Change>& changes) const;
    /// Adds an addition for each element that the kernel should have.
    void list(const ConnectionKey& key, std::vector<Change>& changes) const;

  private:
    struct Piece {
        std::uint32_t part = 0;
        std::string bytes;
        std::array<Position, 2> ends{};  ///< of its last edits
        std::size_t edits_at = 0;        ///< the offset of its edits
    };
    /// What conclude(false) needs. Pieces that update() has added are at the end of pieces_.
    struct Undo {
        std::vector<Piece> removed;
        std::optional<Piece> newest;  ///< before it was changed
        std::size_t added = 0;
        std::optional<Time> written_at, mapped_at;
    };

    void remove_delivered(const Connection& connection, std::vector<Change>& changes);
    void write_all(const Connection& connection, LogHead head, std::vector<Change>& changes);
    void append(const Connection& connection, LogHead head, bool with_kept, std::vector<Change>& changes);
    Piece& add_piece();
    Change change(Change::Op op, const Piece& piece) const;

    std::uint32_t id_ = 0;  ///< 0: none yet
    std::uint32_t next_part_ = 0, next_serial_ = 0;
    std::vector<Piece> pieces_;                   ///< first the head, at the end the newest of the log
    bool foreign_ = false;                        ///< the pieces are those of an earlier daemon
    std::optional<Time> written_at_, mapped_at_;  ///< when all pieces were written; when SequenceMapped was
    std::optional<Undo> undo_;
};

}  // namespace sipalg::tcp
