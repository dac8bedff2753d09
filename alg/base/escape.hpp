// Text from the network made harmless for terminals and log files.
#pragma once

#include <string>
#include <string_view>

namespace sipalg {

/// `text` with everything that a terminal or a log reader could take for a command written as \xNN: control
/// characters (C0, DEL, C1), line and paragraph separators, bidirectional overrides and bytes that are not
/// UTF-8. A backslash is doubled, so that the result says exactly which bytes there were.
std::string escape(std::string_view text);

/// Number of code points in valid UTF-8, which is what a terminal needs columns for in most scripts.
std::size_t width(std::string_view text);

}  // namespace sipalg
