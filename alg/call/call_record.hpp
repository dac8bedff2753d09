// The record of a call: the data that a restarted daemon needs to follow and close it (A5).
#pragma once

#include <string>
#include <string_view>

#include "alg/call/call.hpp"
#include "alg/dialog/call_key.hpp"

namespace sipalg::call {

std::string write_record(const CallKey& key, const Call& call);
/// Reads a record into an empty call. False: the record has another layout or is damaged. `clock`:
/// StoredRecord::clock.
[[nodiscard]] bool read_record(std::string_view bytes, CallKey& key, Call& call, Time clock = Time{0});

}  // namespace sipalg::call
