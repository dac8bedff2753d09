// Fields of the daemon's documents as text.
#pragma once

#include <cstdint>
#include <string>

#include "alg/ctl/request.hpp"

namespace sipalg::ctl {

/// Text, number or boolean; empty: the field is missing, or of another type.
std::string cell(const Json& object, const char* field);
/// Whether the field is the boolean true.
bool flag(const Json& object, const char* field);
/// The field's rows; an empty array if it is missing or of another type.
Json rows_of(const Json& object, const char* field);
/// A field with seconds since 1970, times `per_second`; 0: it is missing, or no time.
std::int64_t time_of(const Json& object, double per_second);
/// "a, b"
std::string joined(const Json& array);
/// "59s", "3m12s", "2h5m", "1d3h"
std::string human(std::int64_t seconds);
/// The same of a field with seconds; empty: it is missing.
std::string duration(const Json& object, const char* field);
/// Marks rows of mode observe, which are not in the kernel.
std::string marked(const Json& row, const std::string& text);
/// "1 call", "2 calls"
std::string counted(const std::string& number, const char* noun);
/// "rewritten", "unmodified", or with the reason: "unmodified (the peer handles NAT itself)"
std::string treatment(const Json& row);

}  // namespace sipalg::ctl
