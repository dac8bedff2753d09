// A table whose changes are staged: they are seen at once, and taken back by cancel() (law 4).
#pragma once

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sipalg {

/// Hash map that keeps the former value of every entry touched since the last commit() or cancel().
/// References stay valid until their entry is erased.
template <class Key, class Value, class Hash = std::hash<Key>, class Equal = std::equal_to<>>
class StagedMap {
  public:
    const Value* find(const auto& key) const {
        const auto it = entries_.find(key);
        return it == entries_.end() ? nullptr : &it->second;
    }
    bool contains(const auto& key) const { return entries_.find(key) != entries_.end(); }
    /// nullptr when there is none. The entry counts as changed.
    Value* edit(const auto& key) {
        const auto it = entries_.find(key);
        if (it == entries_.end()) return nullptr;
        save(it->first, it->second);
        return &it->second;
    }
    /// Puts a new entry, or another value in the place of the old one.
    Value& put(const Key& key, Value value) {
        const auto it = entries_.find(key);
        if (it == entries_.end()) {
            former_.emplace_back(key, std::nullopt);
            return entries_.emplace(key, std::move(value)).first->second;
        }
        save(it->first, it->second);
        it->second = std::move(value);
        return it->second;
    }
    void erase(const Key& key) {
        const auto it = entries_.find(key);
        if (it == entries_.end()) return;
        save(it->first, it->second);
        entries_.erase(it);
    }

    void commit() {
        // clear() costs as much as was ever in it: what a large transaction needed is given back.
        if (!saved_.empty()) {
            saved_ = decltype(saved_)();
            former_ = decltype(former_)();
        }
        former_.clear();
    }
    void cancel() {
        for (auto it = former_.rbegin(); it != former_.rend(); ++it) {
            if (it->second)
                entries_.insert_or_assign(it->first, std::move(*it->second));
            else
                entries_.erase(it->first);
        }
        commit();
    }

    std::size_t size() const { return entries_.size(); }
    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }

  private:
    // A message touches a handful of entries: looking through them costs less than another hash table. A
    // change of the router's address touches all there are.
    static constexpr std::size_t handful = 64;

    void save(const Key& key, const Value& value) {
        if (former_.size() < handful) {
            for (const auto& [known, old] : former_)
                if (known == key) return;
        } else {
            if (saved_.empty())
                for (const auto& [known, old] : former_)
                    saved_.insert(known);
            if (!saved_.insert(key).second) return;
        }
        former_.emplace_back(key, value);
    }

    std::unordered_map<Key, Value, Hash, Equal> entries_;
    std::vector<std::pair<Key, std::optional<Value>>> former_;
    std::unordered_set<Key, Hash, Equal> saved_;  ///< the keys of former_, once they are many
};

}  // namespace sipalg
