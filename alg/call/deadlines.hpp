// What is due when: data, not timers.
#pragma once

#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "alg/time.hpp"

namespace sipalg::call {

/// Times with the key of what is due. Entries are never taken back: who is called too early looks at the
/// record and schedules again, so that staging and cancelling need no care for them.
template <class Key>
class Deadlines {
  public:
    void add(Time at, Key key) { queue_.push(Entry{at, std::move(key)}); }
    std::optional<Time> next() const {
        if (queue_.empty()) return std::nullopt;
        return queue_.top().at;
    }
    /// The next key that is due at `now`, taken off.
    std::optional<Key> due(Time now) {
        if (queue_.empty() || queue_.top().at > now) return std::nullopt;
        Key key = queue_.top().key;
        queue_.pop();
        return key;
    }

  private:
    struct Entry {
        Time at;
        Key key;
        bool operator<(const Entry& other) const { return at > other.at; }  // earliest on top
    };
    std::priority_queue<Entry> queue_;
};

}  // namespace sipalg::call
