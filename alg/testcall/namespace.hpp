// A network namespace without a name: it goes with the last process and descriptor that uses it, so even a
// killed program leaves none behind.
#pragma once

#include <string>

#include "alg/sys/fd.hpp"

namespace sipalg::testcall {

class Namespace {
  public:
    /// Makes one, with its loopback interface still down. Throws std::runtime_error without the permission.
    Namespace();

    int get() const { return fd_.get(); }
    /// For `ip link ... netns PATH` of a program that this process starts.
    std::string path() const;

  private:
    Fd fd_;
};

/// While it lives, the calling thread is in the namespace; sockets that it makes stay there.
class Inside {
  public:
    explicit Inside(const Namespace& there);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

  private:
    Fd home_;
};

}  // namespace sipalg::testcall
