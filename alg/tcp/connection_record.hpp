// The record of a connection in the kernel, for a restarted daemon (T4, A5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/kernel/element.hpp"
#include "alg/tcp/connection_key.hpp"

namespace sipalg::tcp {

class Connection;
class MessageSink;

/// The kernel's copy of a connection's record, and its SequenceMapped element. This element makes the kernel
/// drop segments of the connection while there is no daemon. update() requests changes; conclude() puts them
/// in force.
class ConnectionRecord {
  public:
    ConnectionRecord() = default;
    /// Restores the copy of an earlier daemon. `mapped`: there is a SequenceMapped element.
    ConnectionRecord(std::uint32_t id, std::string stored, bool mapped, Time now)
        : id_(id), stored_(std::move(stored)) {
        if (mapped) mapped_at_ = now;
    }

    bool is_stored() const { return !stored_.empty(); }
    std::uint32_t id() const { return id_; }
    const std::string& stored() const { return stored_; }
    bool is_mapped() const { return mapped_at_.has_value(); }

    /// Requests that the kernel stores the present connection, including planned edits.
    void update(const Connection& connection, MessageSink& sink, Time now, std::vector<Change>& changes);
    /// The kernel's answer to update().
    void conclude(bool in_force);
    void remove(const ConnectionKey& key, std::vector<Change>& changes) const;
    /// Adds an addition for each element that the kernel should have.
    void list(const ConnectionKey& key, std::vector<Change>& changes) const;

  private:
    std::uint32_t id_ = 0;  ///< 0: none yet
    std::string stored_, pending_;
    std::optional<Time> mapped_at_, pending_mapped_at_;  ///< when SequenceMapped was added or last renewed
};

/// The bytes of the record, including planned edits.
std::string write_record(const Connection& connection);
/// The connection of a record. nullopt: not the record of a connection, or damaged.
std::optional<Connection> read_record(std::string_view bytes, Time now);

}  // namespace sipalg::tcp
