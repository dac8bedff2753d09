// Facts as JSON: the lines of `watch --json`, the daemon's stream, and `explain --json`.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "alg/facts/fact.hpp"

namespace sipalg::facts {

using Json = nlohmann::ordered_json;

struct JsonOptions {
    bool bytes = false;        ///< messages carry `before` and `after`, in base64
    bool kept = false;         ///< and the places that were not changed, each with the reason
    bool credentials = false;  ///< digest responses are not masked
};

/// An object with `type` "message", "pinhole" or "event". Dump the document with the error handler `replace`:
/// bytes from the network that are not UTF-8 then become U+FFFD.
Json to_json(const Fact& fact, const JsonOptions& options = {});

/// The places of a message that were changed, in order, with the bytes before and after.
Json changes_of(const SeenMessage& seen);

/// RFC 4648 4.
std::string base64(std::string_view bytes);
/// nullopt: not base64.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace sipalg::facts
