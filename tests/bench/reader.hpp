// What reads the messages that the parse benchmark gives to everybody.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace bench {

/// Somebody else's parser: reads a message and the session descriptions in it, and frees what it made.
/// False: it did not take the message for one.
struct OtherParser {
    const char* name;
    bool (*read)(std::string_view message);
};

/// Those that this program was built with. Each adds itself before main().
std::vector<OtherParser>& other_parsers();

}  // namespace bench
