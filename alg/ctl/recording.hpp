// Turns facts about messages into packets: before the gateway and after it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "alg/ctl/request.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::ctl {

/// A message from the stream of facts.
struct RecordedMessage {
    std::int64_t time_us = 0;
    Side from = Side::inside;
    Transport transport = Transport::udp;
    Endpoint phone, peer, public_endpoint;
    std::string call_id;
    std::string before, after;  ///< equal if it was not changed
    std::string comment;        ///< the decision and the changes
};
/// nullopt: not a message, or one that cannot be read.
std::optional<RecordedMessage> read_message(const Json& fact);
/// A sentence about a pinhole or an event; empty: something else.
std::string remark_of(const Json& fact);

/// Turns messages into the packets of a pcapng file with the interfaces 0 "inside" and 1 "outside". Messages
/// on TCP get connections of their own, since the stream has no segments.
class Recording {
  public:
    /// The file's first blocks.
    std::string begin() const;
    /// Takes a fact and returns the blocks that are now complete. A message is complete when no later fact
    /// can add a remark to it.
    std::string add(const Json& fact);
    /// The blocks that still wait for remarks from later facts.
    std::string flush();
    std::uint64_t messages() const { return messages_; }

  private:
    struct Connection {
        std::uint32_t sent = 1, received = 1;  ///< next sequence numbers of the first end and of the other
    };
    std::string write(std::uint32_t interface, const Endpoint& source, const Endpoint& destination,
                      bool from_phone, const RecordedMessage& message, const std::string& payload,
                      const std::string& comment);

    std::optional<RecordedMessage> waiting_;
    std::string remarks_;  ///< remarks that belong to no message
    std::int64_t latest_us_ = 0;
    std::uint64_t messages_ = 0;
    std::map<std::pair<std::uint32_t, std::pair<Endpoint, Endpoint>>, Connection> connections_;
};

}  // namespace sipalg::ctl
