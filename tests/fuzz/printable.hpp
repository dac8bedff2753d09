// Text for a terminal.
#pragma once

#include <algorithm>
#include <string_view>

#include "tests/fuzz/inside.hpp"

namespace sipalg::fuzz {

/// The text has no byte that a terminal could take for a command, and ends its lines with \n.
inline void require_printable(std::string_view text, const char* what) {
    require(std::all_of(text.begin(), text.end(),
                        [](char c) {
                            const auto byte = static_cast<unsigned char>(c);
                            return c == '\n' || (byte >= 0x20 && byte != 0x7f);
                        }),
            what);
}

}  // namespace sipalg::fuzz
