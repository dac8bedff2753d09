// Settings of the kernel: files under /proc and /sys that hold one number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sipalg {

/// The number at the beginning of the file; nullopt: it cannot be read, or begins with something else.
std::optional<std::int64_t> read_number(const std::string& path);

}  // namespace sipalg
