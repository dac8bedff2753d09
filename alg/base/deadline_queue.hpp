// What is due when: data, not timers.
#pragma once

#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "alg/base/time.hpp"

namespace sipalg {

/// Times with the key of what is due. Entries are never taken back: who is called too early looks at the
/// record and schedules again. So every record keeps the time at which it will be named, and adds an entry
/// only when that must be earlier: or else entries would pile up with every refresh.
template <class Key>
class DeadlineQueue {
  public:
    void add(Time at, Key key) { queue_.push(Entry{at, std::move(key)}); }
    std::optional<Time> next() const {
        if (queue_.empty()) return std::nullopt;
        return queue_.top().at;
    }
    /// The next key that is due at `now`, taken off until cancel().
    std::optional<Key> due(Time now) {
        if (queue_.empty() || queue_.top().at > now) return std::nullopt;
        taken_.push_back(queue_.top());
        queue_.pop();
        return taken_.back().key;
    }
    std::size_t size() const { return queue_.size(); }

    void commit() { taken_.clear(); }
    /// What was due and could not be done is due again a second after its time, not at once: the kernel just
    /// refused.
    void cancel() {
        for (Entry& entry : taken_)
            add(entry.at + Time{1000}, std::move(entry.key));
        taken_.clear();
    }

  private:
    struct Entry {
        Time at;
        Key key;
        bool operator<(const Entry& other) const { return at > other.at; }  // earliest on top
    };
    std::priority_queue<Entry> queue_;
    std::vector<Entry> taken_;
};

}  // namespace sipalg
