// Makes text from the network harmless for terminals and log files.
#pragma once

#include <string>
#include <string_view>

namespace sipalg {

/// Writes bytes that a terminal or log reader could interpret as \xNN: control characters (C0, DEL, C1), line
/// and paragraph separators, bidirectional overrides and bytes that are not UTF-8. Backslashes are doubled,
/// so that the original bytes can be recovered.
std::string escape(std::string_view text);

/// Number of code points in valid UTF-8: the columns on a terminal in most scripts.
std::size_t width(std::string_view text);

}  // namespace sipalg
