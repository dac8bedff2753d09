// A text that never changes and that all copies share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sipalg {

/// For keys that several tables have: a copy allocates nothing and takes the room of a pointer. Not for
/// several threads: the copies are not counted atomically.
class SharedText {
  public:
    SharedText() = default;
    SharedText(std::string_view text) {
        if (text.empty()) return;
        block_ =
            new (::operator new(sizeof(Block) + text.size())) Block{static_cast<std::uint32_t>(text.size())};
        std::memcpy(block_ + 1, text.data(), text.size());
    }
    SharedText(const std::string& text) : SharedText(std::string_view(text)) {}
    SharedText(const char* text) : SharedText(std::string_view(text)) {}
    SharedText(const SharedText& other) : block_(other.block_) {
        if (block_) ++block_->users;
    }
    SharedText(SharedText&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    SharedText& operator=(SharedText other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~SharedText() {
        if (block_ && --block_->users == 0) ::operator delete(block_);
    }

    operator std::string_view() const {
        if (!block_) return {};
        return {reinterpret_cast<const char*>(block_ + 1), block_->size};
    }
    bool empty() const { return !block_; }
    std::size_t size() const { return block_ ? block_->size : 0; }
    /// The same as that of a view of the text. It is computed once for all copies.
    std::size_t hash() const {
        if (!block_) return std::hash<std::string_view>{}({});
        if (block_->hash == 0) block_->hash = std::hash<std::string_view>{}(*this);
        return block_->hash;
    }
    friend bool operator==(const SharedText& a, const SharedText& b) {
        return a.block_ == b.block_ || std::string_view(a) == std::string_view(b);
    }
    template <class Text>
    requires std::is_convertible_v<const Text&, std::string_view>
    friend bool operator==(const SharedText& a, const Text& b) {
        return std::string_view(a) == std::string_view(b);
    }

  private:
    struct Block {  // the characters follow it
        std::uint32_t size;
        std::uint32_t users = 1;
        std::size_t hash = 0;  ///< 0: not computed yet
    };
    Block* block_ = nullptr;
};

}  // namespace sipalg
