// A second sipalgd, which serves the copy of the router.
#pragma once

#include <optional>
#include <string>

#include "alg/testcall/program.hpp"

namespace sipalg::testcall {

/// A file system in memory that only this process and its children see: it goes with them. One at a time.
class PrivateDirectory {
  public:
    /// `config`: a file that must stay visible. Throws std::runtime_error.
    explicit PrivateDirectory(const std::string& config);
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

class DaemonCopy {
  public:
    /// Starts it with the configuration file; empty: the default one, if it exists.
    DaemonCopy(const Interrupts& interrupts, const Namespace& router, const PrivateDirectory& directory,
               const std::string& config);

    /// nullopt: it serves. Otherwise, why it does not.
    std::optional<std::string> wait();
    /// Ends it as systemd does. nullopt: it has ended well.
    std::optional<std::string> stop();

  private:
    std::string last_error() const;

    const Interrupts& interrupts_;
    Fd ready_;  ///< receives what it tells the service manager
    std::optional<Program> program_;
};

}  // namespace sipalg::testcall
