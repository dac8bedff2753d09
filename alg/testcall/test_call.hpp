// The test call of `doctor --call` (O3): does a call work on this router, before a phone rings?
//
// Theory of operation. The router is copied into a network namespace: interfaces of the same names and
// addresses, routes, settings and the owner's ruleset. A second sipalgd serves the copy, with the same
// configuration file. Two more namespaces are a phone and a provider, and play a registration and two calls.
// Nothing of it touches the router or its network. Namespaces have no names and files are in memory, so
// everything is gone when the program ends, in whatever way.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "alg/doctor/findings.hpp"
#include "alg/testcall/router.hpp"

namespace sipalg::testcall {

struct Step {
    enum class Result : std::uint8_t { passed, failed, skipped };
    Result result = Result::skipped;
    std::string_view name;
    std::string text;     ///< one sentence
    std::string command;  ///< that mends it; empty: there is none
};
/// "ok", "failed", "skipped"
std::string_view word(Step::Result result);

struct Report {
    Ends ends;
    std::vector<std::string> not_copied;
    std::vector<Step> steps;
    bool works() const;
};

struct Request {
    EndHints ends;
    Transport transport = Transport::udp;  ///< of signalling
    std::string config;                    ///< file; empty: the default one, if it exists
    doctor::Subject subject;               ///< what the running daemon uses, or the defaults
};

/// Plays it. `show` gets each step when it has ended. Needs root. Throws std::runtime_error if there can be
/// no call, and Interrupted.
Report play(const Interrupts& interrupts, const Request& request,
            const std::function<void(const Step&)>& show);

}  // namespace sipalg::testcall
