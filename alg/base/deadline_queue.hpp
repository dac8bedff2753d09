// Deadlines as data, not timers.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "alg/base/time.hpp"

namespace sipalg {

/// The next deadline of each record, by the record's key: one entry for each key, however often it is moved,
/// so the queue is never longer than its table. Changes are staged (law 4): commit() keeps them, cancel()
/// takes them back. The implementation is a binary heap in which each entry stores its index.
template <class Key, class Hash = std::hash<Key>, class Equal = std::equal_to<>>
class DeadlineQueue {
  public:
    DeadlineQueue() = default;
    // Not copyable: the heap points into the table.
    DeadlineQueue(const DeadlineQueue&) = delete;
    DeadlineQueue& operator=(const DeadlineQueue&) = delete;
    DeadlineQueue(DeadlineQueue&&) noexcept = default;
    DeadlineQueue& operator=(DeadlineQueue&&) noexcept = default;

    /// Sets the deadline of `key` to `at`, in place of any earlier one.
    void schedule(const Key& key, Time at) {
        const auto [it, is_new] = entries_.try_emplace(key);
        if (!is_new && it->second.at == at) return;
        undo_.push_back({it->first, is_new ? std::nullopt : std::optional(it->second.at)});
        set(*it, is_new, at);
    }
    /// Removes the deadline of `key`, if it has one.
    void erase(const Key& key) {
        const auto it = entries_.find(key);
        if (it == entries_.end()) return;
        undo_.push_back({key, it->second.at});
        remove(it);
    }

    std::optional<Time> next() const {
        if (heap_.empty()) return std::nullopt;
        return heap_.front()->second.at;
    }
    /// Takes out the earliest key that is due at `now`; nullopt: there is none. If the transaction is
    /// cancelled, the key is due again one second later, because the kernel has just refused.
    std::optional<Key> take_due(Time now) {
        if (heap_.empty() || heap_.front()->second.at > now) return std::nullopt;
        const auto it = entries_.find(heap_.front()->first);
        undo_.push_back({it->first, it->second.at + Time{1000}});
        remove(it);
        return undo_.back().key;
    }
    std::size_t size() const { return heap_.size(); }
    /// Frees the room that entries before have left. Precondition: nothing is staged.
    void shrink() {
        entries_.rehash(0);
        heap_.shrink_to_fit();
    }

    void commit() {
        // Frees the memory of a large transaction.
        if (undo_.capacity() > kept_capacity)
            std::vector<Undo>().swap(undo_);
        else
            undo_.clear();
    }
    void cancel() {
        for (auto it = undo_.rbegin(); it != undo_.rend(); ++it) {
            if (it->at) {
                const auto [entry, is_new] = entries_.try_emplace(it->key);
                set(*entry, is_new, *it->at);
            } else if (const auto there = entries_.find(it->key); there != entries_.end()) {
                remove(there);
            }
        }
        commit();
    }

  private:
    struct Slot {
        Time at{0};
        std::size_t place = 0;  ///< in heap_
    };
    struct Undo {
        Key key;
        std::optional<Time> at;  ///< nullopt: it had no deadline
    };
    using Entries = std::unordered_map<Key, Slot, Hash, Equal>;
    using Entry = typename Entries::value_type;
    static constexpr std::size_t kept_capacity = 256;

    void set(Entry& entry, bool is_new, Time at) {
        entry.second.at = at;
        if (is_new) {
            entry.second.place = heap_.size();
            heap_.push_back(&entry);
        }
        sift(entry.second.place);
    }
    void remove(typename Entries::iterator it) {
        const std::size_t place = it->second.place;
        Entry* const last = heap_.back();
        heap_.pop_back();
        if (place < heap_.size()) {
            put(place, last);
            sift(place);
        }
        entries_.erase(it);
    }
    void put(std::size_t place, Entry* entry) {
        heap_[place] = entry;
        entry->second.place = place;
    }
    /// Moves the entry at `place` up or down to restore the order of the heap.
    void sift(std::size_t place) {
        Entry* const entry = heap_[place];
        const Time at = entry->second.at;
        for (; place > 0 && at < heap_[(place - 1) / 2]->second.at; place = (place - 1) / 2)
            put(place, heap_[(place - 1) / 2]);
        for (;;) {
            std::size_t child = 2 * place + 1;
            if (child >= heap_.size()) break;
            if (child + 1 < heap_.size() && heap_[child + 1]->second.at < heap_[child]->second.at) ++child;
            if (heap_[child]->second.at >= at) break;
            put(place, heap_[child]);
            place = child;
        }
        put(place, entry);
    }

    Entries entries_;
    std::vector<Entry*> heap_;  ///< earliest first
    std::vector<Undo> undo_;    ///< since the last commit(), oldest first
};

}  // namespace sipalg
