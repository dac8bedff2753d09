// A few characters without memory of their own.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace sipalg {

/// At most `size` characters; further ones are left out. Ends before the first zero byte.
template <std::size_t size>
class ShortText {
  public:
    ShortText() = default;
    ShortText(std::string_view text) {
        std::copy_n(text.begin(), std::min(text.size(), size), bytes_.begin());
    }
    ShortText(const char* text) : ShortText(std::string_view(text)) {}

    std::string_view text() const {
        return {bytes_.data(),
                static_cast<std::size_t>(std::find(bytes_.begin(), bytes_.end(), '\0') - bytes_.begin())};
    }
    friend bool operator==(const ShortText&, const ShortText&) = default;

  private:
    std::array<char, size> bytes_{};
};

}  // namespace sipalg
