// A table with transactions: changes are visible at once, and cancel() takes them back (law 4).
#pragma once

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sipalg {

/// Hash map that keeps the old value of every entry that was changed since the last commit() or cancel().
/// References stay valid until their entry is erased.
template <class Key, class Value, class Hash = std::hash<Key>, class Equal = std::equal_to<>>
class StagedMap {
  public:
    const Value* find(const auto& key) const {
        const auto it = entries_.find(key);
        return it == entries_.end() ? nullptr : &it->second;
    }
    /// The key as the table has it; nullptr: there is no such entry.
    const Key* key_of(const auto& key) const {
        const auto it = entries_.find(key);
        return it == entries_.end() ? nullptr : &it->first;
    }
    bool contains(const auto& key) const { return entries_.find(key) != entries_.end(); }
    /// The entry, to be changed by the caller; nullptr: there is none.
    Value* edit(const auto& key) {
        const auto it = entries_.find(key);
        if (it == entries_.end()) return nullptr;
        save(it->first, it->second);
        return &it->second;
    }
    /// Adds an entry or replaces its value.
    Value& put(const Key& key, Value value) {
        const auto it = entries_.find(key);
        if (it == entries_.end()) {
            old_.emplace_back(key, std::nullopt);
            return entries_.emplace(key, std::move(value)).first->second;
        }
        save(it->first, it->second);
        it->second = std::move(value);
        return it->second;
    }
    void erase(const Key& key) {
        const auto it = entries_.find(key);
        if (it == entries_.end()) return;
        save(it->first, std::move(it->second));
        entries_.erase(it);
    }

    void commit() {
        // clear() takes time in proportion to the number of buckets, so free those of a large transaction.
        if (!saved_.empty()) {
            saved_ = decltype(saved_)();
            old_ = decltype(old_)();
        }
        old_.clear();
    }
    void cancel() {
        for (auto it = old_.rbegin(); it != old_.rend(); ++it) {
            if (it->second)
                entries_.insert_or_assign(it->first, std::move(*it->second));
            else
                entries_.erase(it->first);
        }
        commit();
    }

    /// Frees the buckets that entries before have left. Precondition: nothing is staged.
    void shrink() { entries_.rehash(0); }

    std::size_t size() const { return entries_.size(); }
    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }

  private:
    // A message changes a handful of entries, and a linear search among them is faster than a hash table; it
    // begins with the latest, because packets that wait together change different entries. A change of the
    // router's address changes all entries.
    static constexpr std::size_t handful = 64;

    // `value` is moved from if it is an rvalue and the key has no old value yet.
    void save(const Key& key, auto&& value) {
        if (old_.size() < handful) {
            for (auto it = old_.rbegin(); it != old_.rend(); ++it)
                if (it->first == key) return;
        } else {
            if (saved_.empty())
                for (const auto& [known, value_before] : old_)
                    saved_.insert(known);
            if (!saved_.insert(key).second) return;
        }
        old_.emplace_back(key, std::forward<decltype(value)>(value));
    }

    std::unordered_map<Key, Value, Hash, Equal> entries_;
    std::vector<std::pair<Key, std::optional<Value>>> old_;
    std::unordered_set<Key, Hash, Equal> saved_;  ///< the keys of old_; only used when there are many
};

}  // namespace sipalg
