// Reads case files.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "alg/net/address.hpp"

namespace sipalg::test {

/// A command line, with the indented lines that belong to it.
struct Step {
    int line = 0;
    std::string verb;  ///< "out", "pinholes:", …
    std::vector<std::string> arguments;
    std::vector<std::string>
        rows;  ///< the indented lines below it, without the indentation; lines of messages keep their mark

    const std::string& argument(std::size_t i) const;  ///< throws if it is missing
};

struct Case {
    std::string name;
    int line = 0;
    bool setup = false;  ///< only played by later cases
    std::vector<Step> steps;
};

/// Reads the cases of a file. The steps of a setup are inserted where a case plays it. Throws
/// std::runtime_error with the file and the line.
std::vector<Case> read_cases(const std::string& path);

/// Parse an argument; both throw std::runtime_error.
Endpoint endpoint(const std::string& text);
Transport transport(const std::string& text);

/// The message in the rows of a step, before and after the router. Lines end in CRLF (LF for "lf"), and "@"
/// is replaced by the length of the body.
struct Versions {
    std::string before, after;
};
Versions message_of(const Step& step);

}  // namespace sipalg::test
