// The frame of the HTML page: style and script.
#pragma once

#include <string>
#include <string_view>

namespace sipalg::explain {

/// Up to and including <body>; `title` is safe markup.
std::string page_begin(std::string_view title);
/// From the script to the end.
std::string page_end();

}  // namespace sipalg::explain
