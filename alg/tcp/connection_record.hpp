// What the kernel keeps of a connection for a restarted daemon (T4, A5).
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

/// The kernel's copy of a connection's record, and its SequenceMapped element, which makes the segments of
/// the connection wait for a daemon. Changes are asked for with update() and in force with conclude().
class ConnectionRecord {
  public:
    ConnectionRecord() = default;
    /// As an earlier daemon left it. `mapped`: with a SequenceMapped.
    ConnectionRecord(std::uint32_t id, std::string stored, bool mapped, Time now)
        : id_(id), stored_(std::move(stored)) {
        if (mapped) mapped_at_ = now;
    }

    bool is_stored() const { return !stored_.empty(); }
    std::uint32_t id() const { return id_; }
    const std::string& stored() const { return stored_; }
    bool is_mapped() const { return mapped_at_.has_value(); }

    /// Asks the kernel to keep the connection as it is now, planned edits included.
    void update(const Connection& connection, MessageSink& sink, Time now, std::vector<Change>& changes);
    /// The kernel's answer to update().
    void conclude(bool in_force);
    void remove(const ConnectionKey& key, std::vector<Change>& changes) const;
    /// Additions for what the kernel should hold.
    void list(const ConnectionKey& key, std::vector<Change>& changes) const;

  private:
    std::uint32_t id_ = 0;  ///< 0: none yet
    std::string stored_, pending_;
    std::optional<Time> mapped_at_, pending_mapped_at_;  ///< when SequenceMapped was added or last renewed
};

/// The record's bytes, planned edits included.
std::string write_record(const Connection& connection);
/// The connection of a record. nullopt: not a record of a connection, or broken.
std::optional<Connection> read_record(std::string_view bytes, Time now);

}  // namespace sipalg::tcp
