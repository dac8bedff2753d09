// Facts as lines for the log.
#pragma once

#include <string>

#include "alg/facts/fact.hpp"

namespace sipalg::facts {

/// "INVITE udp 192.168.1.10:5060 -> 198.51.100.7:5060, Call-ID a@b: rewritten; Contact 192.168.1.10 =>
/// 203.0.113.1 (S3), …": title, both ends, Call-ID, reason and changes. Text from the network is escaped and
/// truncated.
std::string line(const Message& message);

}  // namespace sipalg::facts
