// The interface of the parsers in the parse benchmark.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace bench {

/// The parser of another library: reads a message and its session descriptions, and frees the results. False:
/// the library has rejected the message.
struct OtherParser {
    const char* name;
    bool (*read)(std::string_view message);
};

/// The parsers in this program. Each adds itself before main().
std::vector<OtherParser>& other_parsers();

}  // namespace bench
