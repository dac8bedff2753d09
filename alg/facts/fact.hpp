// Facts as plain values: messages with their changes, changes of pinholes, events of calls. Log, `watch`,
// `record` and `explain` use them.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/call/call.hpp"
#include "alg/core/decision.hpp"

namespace sipalg::facts {

/// A message, or a datagram on a SIP port that is not a message, and its outcome.
struct Message {
    SeenMessage seen;
    // Empty where the bytes cannot be read as SIP.
    std::string method;  ///< for a response, the method of its CSeq
    int status = 0;      ///< 0: a request
    std::string phrase;  ///< reason phrase of a response
    std::string call_id;
    std::uint32_t cseq = 0;
    std::string from, to;  ///< URIs
    /// "INVITE", "200 OK", or the word of the reason.
    std::string title() const;
};

/// A pinhole was opened, narrowed or closed.
struct PinholeChange {
    enum class Kind : std::uint8_t { opened, changed, closed };
    Kind kind = Kind::opened;
    std::string call_id;
    Address phone;
    call::CallPinhole pinhole;
};

struct Fact {
    Time at{0};
    bool observed = false;  ///< mode `observe`: it has not really happened
    std::variant<Message, PinholeChange, Event> what;
};

/// What readers want. Facts about messages and pinholes are made only if a reader wants them (P1).
enum class Interest : std::uint8_t { nothing, events, everything };

/// Reads the fields of a message.
Message describe(SeenMessage seen);

/// "opened", "changed", "closed"
std::string_view word(PinholeChange::Kind kind);
/// "call_offered", "registered", …: stable, for JSON.
std::string_view word(Event::Kind kind);

}  // namespace sipalg::facts
