// Reads the complete messages of one end, and plans the edits that the sink requests.
#pragma once

#include <cstdint>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/policy/reason.hpp"
#include "alg/tcp/connection.hpp"
#include "alg/tcp/message_sink.hpp"

namespace sipalg::tcp {

class MessageReader {
  public:
    enum class Outcome : std::uint8_t {
        read,       ///< all complete messages were read
        not_sip,    ///< the connection does not carry SIP (X5)
        ask_first,  ///< a message has questions: rewind, and read again when they are answered
    };

    /// `answered`: the questions of this packet were answered. Adds a reason to `reasons` for each piece.
    MessageReader(Connection& connection, Side from, bool answered, MessageSink& sink, Time now,
                  std::vector<Reason>& reasons)
        : connection_(connection),
          direction_(connection.direction(from)),
          from_(from),
          answered_(answered),
          sink_(sink),
          now_(now),
          reasons_(reasons) {}

    [[nodiscard]] Outcome read();

  private:
    /// False: a conntrack scan is needed first.
    bool read_message(const Direction::Piece& piece);

    Connection& connection_;
    Direction& direction_;
    const Side from_;
    const bool answered_;
    MessageSink& sink_;
    const Time now_;
    std::vector<Reason>& reasons_;
};

}  // namespace sipalg::tcp
