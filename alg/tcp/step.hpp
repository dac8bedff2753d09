// What a packet means for its connection, between the two halves of its treatment.
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
    std::optional<Segment> answer;  ///< the SYN-ACK, where that came first to our notice
};

/// What Connections::arrive() or expire() found out, for conclude() to carry out.
struct Step {
    enum class Action : std::uint8_t {
        none,
        syn,           ///< forward a SYN
        data,          ///< send what is settled
        repeat,        ///< forward bytes that the receiver has
        reset,         ///< forward a RST
        refuse,        ///< drop the packet and reset its sender, or both ends
        stop_reading,  ///< send what is settled, then everything as it is
        pass,
        drop,
    };
    Action action = Action::none;
    bool is_read = false;     ///< the packet belongs to a connection that is read: conclude() names it
    bool scan_first = false;  ///< nothing was decided: cancel, dump conntrack, call arrive() again
    Reason reason = Reason::unread_stream;
    ConnectionKey key;
    Side from = Side::inside;
    Carrier carrier;
    std::optional<Opening> opening;           ///< the packet begins a connection
    std::vector<ConnectionKey> ended;         ///< to be forgotten
    std::vector<ConnectionKey> acknowledged;  ///< have a planned local acknowledgement
};

}  // namespace sipalg::tcp
