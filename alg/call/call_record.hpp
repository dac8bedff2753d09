// The record of a call: what a restarted daemon needs to go on with it and to close it (A5).
#pragma once

#include <string>
#include <string_view>

#include "alg/call/call.hpp"
#include "alg/dialog/call_key.hpp"

namespace sipalg::call {

std::string write_record(const CallKey& key, const Call& call);
/// Into a call that is empty. False: another layout, or broken.
[[nodiscard]] bool read_record(std::string_view bytes, CallKey& key, Call& call);

}  // namespace sipalg::call
