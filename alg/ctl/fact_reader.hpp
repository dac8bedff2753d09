// Reads the daemon's stream of facts.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "alg/ctl/request.hpp"

namespace sipalg::ctl {

/// A connection on which the daemon sends one JSON document per line. While an object of this class exists,
/// SIGINT and SIGTERM end the reading, not the program. Throws NotServing.
class FactReader {
  public:
    /// Sends the request and waits for the line that begins the stream. `seconds`: reading ends after this
    /// time; nullopt: it ends with a signal, or when the daemon stops.
    FactReader(const std::string& path, const Json& request, std::optional<std::chrono::seconds> seconds);
    ~FactReader();
    FactReader(const FactReader&) = delete;
    FactReader& operator=(const FactReader&) = delete;

    /// The document that began the stream.
    const Json& beginning() const { return beginning_; }
    enum class News { line, quiet, end };
    /// Readable when there may be a line, for poll().
    int descriptor() const { return fd_; }
    /// Waits for a line, at most for `patience`; `quiet` if none has arrived.
    News next(std::string& line, std::chrono::milliseconds patience);

  private:
    bool take_line(std::string& line);

    std::string path_;
    int fd_ = -1, signals_ = -1;
    std::string buffer_;
    std::size_t taken_ = 0;  ///< bytes of buffer_ that were returned
    std::optional<std::chrono::steady_clock::time_point> until_;
    Json beginning_;
};

}  // namespace sipalg::ctl
