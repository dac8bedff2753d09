// Selects facts for one reader of the stream (`watch`, `record`) and writes them as lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "alg/base/result.hpp"
#include "alg/daemon/control/json.hpp"
#include "alg/facts/json.hpp"

namespace sipalg::daemon {

/// A request {"command": "watch"} with the optional fields "call" (beginning of a Call-ID), "phone"
/// (address), "bytes" and "credentials" (true: messages carry their bytes; digest responses are not masked),
/// and "events" (true: only events of calls and registrations).
class FactStream {
  public:
    /// Fails with a sentence for the client.
    static Result<FactStream> of(const Json& request);

    /// The reader gets the bytes of messages, so it must be allowed to record (X9).
    bool wants_bytes() const { return options_.bytes; }
    facts::Interest interest() const { return interest_; }
    /// The line for a fact, without the line end; empty: the request excludes the fact. ASCII.
    std::string line(const facts::Fact& fact, const ClockPair& clocks);

  private:
    bool wants(const facts::Fact& fact);
    bool wants_call(std::string_view call_id) const { return call_id.starts_with(call_); }

    static constexpr std::size_t most_call_ids = 4096;
    facts::JsonOptions options_;
    facts::Interest interest_ = facts::Interest::everything;
    std::string call_;                          ///< empty: all
    std::optional<Address> phone_;              ///< nullopt: all
    std::unordered_set<std::string> call_ids_;  ///< Call-IDs of the phone, to recognise events of its calls
};

}  // namespace sipalg::daemon
