// A request to the daemon.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace sipalg::ctl {

using Json = nlohmann::ordered_json;

/// No daemon, no permission or no valid answer (exit status 1). what() says how to correct it.
class NotServing : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Sends a request to the daemon at `path` and returns its document. Waits at most three seconds. Throws
/// NotServing; its text is the daemon's own if it refused the request.
Json ask(const std::string& path, const Json& request);

/// The sentence about a daemon that does not answer in time.
std::string silence();

/// A connection to the daemon at `path`, for the caller to close; it gives up sending and receiving after
/// three seconds. Throws NotServing.
int connect_to_daemon(const std::string& path);

}  // namespace sipalg::ctl
