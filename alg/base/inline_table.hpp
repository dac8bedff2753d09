// A bounded table without allocation that costs nothing while it is empty.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

namespace sipalg {

/// Up to N values in place. Construction and clear() don't touch the storage, and a copy copies only the
/// values that were added.
template <class T, std::size_t N>
class InlineTable {
    static_assert(std::is_trivially_destructible_v<T> && std::is_trivially_copyable_v<T>);

  public:
    // The union keeps the items' constructors from running.
    InlineTable() {}
    InlineTable(const InlineTable& other) { assign(other); }
    InlineTable& operator=(const InlineTable& other) {
        if (this != &other) assign(other);
        return *this;
    }
    ~InlineTable() = default;

    std::size_t size() const { return size_; }
    bool full() const { return size_ == N; }
    void clear() { size_ = 0; }
    /// Puts a value at the end and returns it; nullptr when the table is full.
    T* add(const T& value) {
        if (full()) return nullptr;
        return std::construct_at(items_ + size_++, value);
    }
    /// Adds a default value in place; nullptr when the table is full.
    T* add() {
        if (full()) return nullptr;
        return std::construct_at(items_ + size_++);
    }
    T& operator[](std::size_t index) { return items_[index]; }
    const T& operator[](std::size_t index) const { return items_[index]; }
    /// The last value; the table must not be empty.
    T& back() { return items_[size_ - 1]; }
    std::span<const T> all() const { return {items_, size_}; }
    /// At most `count` values, starting at index `begin`.
    std::span<const T> part(std::size_t begin, std::size_t count) const {
        if (begin >= size_) return {};
        return {items_ + begin, count < size_ - begin ? count : size_ - begin};
    }

  private:
    void assign(const InlineTable& other) {
        std::uninitialized_copy_n(other.items_, other.size_, items_);
        size_ = other.size_;
    }

    std::size_t size_ = 0;
    union {
        T items_[N];
    };
};

}  // namespace sipalg
