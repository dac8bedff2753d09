// Case files as steps.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "alg/net/address.hpp"

namespace sipalg::test {

/// One line that is a command, with the lines that belong to it.
struct Step {
    int line = 0;
    std::string verb;  ///< "out", "pinholes:", …
    std::vector<std::string> arguments;
    std::vector<std::string>
        rows;  ///< indented lines behind it, without the indentation; messages keep their mark

    const std::string& argument(std::size_t i) const;  ///< throws if it is missing
};

struct Case {
    std::string name;
    int line = 0;
    bool setup = false;  ///< only there to be played by cases behind it
    std::vector<Step> steps;
};

/// Reads a file's cases, with the steps of the setups that they play; throws std::runtime_error with its name
/// and the line.
std::vector<Case> read_cases(const std::string& path);

/// What an argument names; throws std::runtime_error if it is none.
Endpoint endpoint(const std::string& text);
Transport transport(const std::string& text);

/// The two versions of a message in its rows: as it comes in, as it goes out. CRLF line ends (LF for "lf"),
/// "@" filled in.
struct Versions {
    std::string before, after;
};
Versions message_of(const Step& step);

}  // namespace sipalg::test
