// The name of a network interface.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace sipalg {

/// At most 15 bytes, as the kernel has it (IFNAMSIZ); empty: no interface.
class InterfaceName {
  public:
    static constexpr std::size_t size = 16;  ///< with the zero byte at the end

    InterfaceName() = default;
    /// Bytes beyond the fifteenth are left out.
    explicit InterfaceName(std::string_view name) {
        std::copy_n(name.begin(), std::min(name.size(), size - 1), bytes_.begin());
    }

    bool empty() const { return bytes_[0] == '\0'; }
    std::string_view text() const { return bytes_.data(); }
    const std::array<char, size>& bytes() const { return bytes_; }
    friend auto operator<=>(const InterfaceName&, const InterfaceName&) = default;

  private:
    std::array<char, size> bytes_{};
};

}  // namespace sipalg
