// Lists of calls, pinholes, bindings and flows for a terminal (O1).
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "alg/ctl/request.hpp"
#include "alg/ctl/table.hpp"

namespace sipalg::ctl {

/// How lists are printed.
struct Layout {
    bool wide = true;                     ///< every column, with calendar times
    std::size_t room = Table::unlimited;  ///< width of the terminal
    std::chrono::system_clock::time_point now{};
};

/// "no calls" for an empty list. The rows are those of `calls`, or of `calls --ended` if their state is
/// "ended".
std::string calls_list(const Json& rows, const Layout& layout);
/// The stream or signalling that a pinhole serves: "audio rtp", "signalling", "registration", …
std::string purpose(const Json& pinhole);
/// "192.0.2.1:4000" -> "4000"
std::string port_of(const std::string& endpoint);
std::string pinholes_list(const Json& rows, const Layout& layout);
std::string bindings_list(const Json& rows, const Layout& layout);
std::string flows_list(const Json& rows, const Layout& layout);

/// The rows of `phone` (an address; empty: all) and of Call-IDs that begin with `call` (empty: all).
Json chosen_rows(const Json& rows, const std::string& phone, const std::string& call);

}  // namespace sipalg::ctl
