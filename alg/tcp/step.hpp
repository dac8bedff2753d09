// The step of a packet between arrive() and conclude().
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "alg/policy/policy.hpp"
#include "alg/policy/reason.hpp"
#include "alg/tcp/connection_key.hpp"
#include "alg/tcp/segment.hpp"
#include "alg/tcp/segment_queue.hpp"

namespace sipalg::tcp {

/// The SYN that begins a connection.
struct Opening {
    ConnectionKey key;
    Egress egress;
    bool editing = false;
    bool maps_phone = false;  ///< the phone's NAT mapping was acquired
    Side from = Side::inside;
    Segment syn;                    ///< without payload
    std::optional<Segment> answer;  ///< from the SYN-ACK, if the SYN was not seen
};

/// The result of Connections::arrive() or expire(), which conclude() carries out.
struct Step {
    enum class Action : std::uint8_t {
        none,
        syn,           ///< forward a SYN
        data,          ///< send the settled bytes
        repeat,        ///< forward bytes that the receiver has
        reset,         ///< forward a RST
        refuse,        ///< drop the packet and reset its sender, or both ends
        stop_reading,  ///< send the settled bytes, then everything as it is
        pass,
        drop,
    };
    Action action = Action::none;
    bool is_read = false;    ///< the packet belongs to a connection that is read: conclude() names it
    bool ask_first = false;  ///< nothing was decided: cancel, answer Decision::asked, call arrive() again
    Reason reason = Reason::unread_stream;
    ConnectionKey key;
    Side from = Side::inside;
    Carrier carrier;
    std::optional<Opening> opening;           ///< the packet begins a connection
    std::vector<ConnectionKey> ended;         ///< to be forgotten
    std::vector<ConnectionKey> acknowledged;  ///< have a planned local acknowledgement
};

}  // namespace sipalg::tcp
