// Other programs, run in a network namespace.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "alg/sys/fd.hpp"
#include "alg/testcall/interrupts.hpp"
#include "alg/testcall/namespace.hpp"

namespace sipalg::testcall {

using Words = std::vector<std::string>;

struct Outcome {
    int status = 0;      ///< exit status; 127: no such program; 128 + signal
    std::string output;  ///< stdout
    std::string errors;  ///< stderr
    bool ok() const { return status == 0; }
    /// The first line of the errors, without its end.
    std::string first_error() const;
};

/// A program that runs beside this one, and is killed with it. Its output is kept in memory.
class Program {
  public:
    /// `where` nullptr: in the namespace of the caller. `variables`: "NAME=value", besides the environment.
    Program(const Interrupts& interrupts, const Namespace* where, const Words& words,
            std::string_view input = {}, const Words& variables = {});
    /// Kills the program if it runs.
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    void send(int signal) const;
    /// Waits for its end. False: it still runs after `patience`. Throws Interrupted.
    [[nodiscard]] bool ended(std::chrono::milliseconds patience);
    /// After ended(), or what it has written so far.
    Outcome outcome() const;

  private:
    const Interrupts& interrupts_;
    Fd output_, errors_, process_;
    int pid_ = -1, status_ = 0;
    bool ended_ = false;
};

/// Runs a program to its end, at most 20 seconds: then it is killed, with status 124.
Outcome run(const Interrupts& interrupts, const Namespace* where, const Words& words,
            std::string_view input = {});

}  // namespace sipalg::testcall
