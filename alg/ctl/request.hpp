// One question to the daemon.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace sipalg::ctl {

using Json = nlohmann::ordered_json;

/// No daemon, no permission, no sensible answer (exit status 1). what() says what to do.
class NotServing : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Asks the daemon at `path` and returns its document. Waits at most ten seconds. Throws NotServing.
Json ask(const std::string& path, const std::string& command);

}  // namespace sipalg::ctl
