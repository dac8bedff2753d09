// What sipalgctl is asked to do.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace sipalg::ctl {

/// Bad usage (exit status 2). what() says what would be right.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct Options {
    std::string control = "/run/sipalg/control.sock";
    bool json = false;
    bool help = false;
    bool version = false;
    std::string command;  ///< a known one, unless help or version is asked for
};

/// Throws UsageError.
Options parse_options(const std::vector<std::string>& arguments);
std::string help_text();

}  // namespace sipalg::ctl
