// Decides whether a segment may change a connection, by the rules of RFC 9293 3.10.7.4 and RFC 5961 for its
// receiver (X13).
#pragma once

#include "alg/tcp/connection.hpp"
#include "alg/tcp/step.hpp"

namespace sipalg::tcp {

/// The action for a segment that is not a SYN; `carrier` has its positions. Only Action::data may change the
/// connection. A segment outside the windows passes unmodified, or is dropped if sequence numbers are
/// translated, because it would reach the other end with the wrong numbers. Action::none: the connection is
/// not read.
Step::Action classify(Connection& connection, Side from, const Carrier& carrier);

}  // namespace sipalg::tcp
