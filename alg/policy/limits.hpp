// The limits of the core's tables (X7), each an option of sipalgd and a row of `sipalgctl limits`.
#pragma once

#include <array>
#include <cstddef>

namespace sipalg {

/// Unless a limit says otherwise, it refuses new work and keeps existing entries. "Per phone" means: for all
/// addresses of one host on the inside (see Hosts).
struct Limits {
    std::size_t max_mappings = 65536;
    std::size_t max_mappings_per_phone = 8192;
    std::size_t max_calls = 16384;
    std::size_t max_calls_per_phone = 1024;
    std::size_t max_calls_per_peer = 8192;       ///< an IPv4 address or an IPv6 /64
    std::size_t max_unanswered_per_phone = 768;  ///< calls from outside that the phone has not answered
    /// Emergency calls from inside, which no other limit refuses.
    std::size_t max_emergency_calls = 64;
    std::size_t max_emergency_calls_per_phone = 8;
    /// Calls of which no peer is proven (X11). At the limit a new one ends the oldest of the host with the
    /// most.
    std::size_t max_unproven_calls = 1024;
    /// Pairs of phone and peer that are proven by packets alone. At the limit the oldest is removed.
    std::size_t max_proven_pairs = 8192;
    std::size_t max_proven_pairs_per_phone = 512;
    std::size_t max_bindings = 4096;
    std::size_t max_bindings_per_phone = 64;
    std::size_t max_pending_registrations = 1024;  ///< REGISTERs without a final response
    std::size_t max_pending_registrations_per_phone = 64;
    std::size_t max_streams = 4096;  ///< TCP connections that are read
    std::size_t max_streams_per_phone = 512;
    /// TCP connections of which only SYNs were seen. At the limit a new one removes the oldest of the host
    /// with the most.
    std::size_t max_half_open_streams = 1024;
    /// Segments that wait in the queue for the rest of a message. The limit is far below the length of the
    /// queue, so that other packets do not have to wait as well.
    std::size_t max_held_segments = 512;
    std::size_t max_held_segments_per_phone = 128;
    std::size_t max_stream_memory = 16 << 20;  ///< bytes of incomplete messages
    std::size_t max_stream_memory_per_phone = 4 << 20;
    /// Bytes of one direction of a TCP connection that were acknowledged for the receiver and are kept until
    /// it has acknowledged them itself, however large its window is. The default is more than a message, so
    /// that any message can be completed.
    std::size_t max_undelivered = 262'144;
    std::size_t max_listeners = 1024;  ///< of phones that send from another port
    std::size_t max_listeners_per_phone = 8;
    std::size_t max_nat_handling = 4096;  ///< pairs of phone and peer with an end that handles NAT
    std::size_t max_nat_handling_per_phone = 32;
    std::size_t max_existing_nat = 8192;  ///< public ports of the owner's own NAT
    std::size_t max_existing_nat_per_phone = 1024;

    friend bool operator==(const Limits&, const Limits&) = default;
};

struct LimitRow {
    std::size_t Limits::*member;
    const char* option;            ///< of sipalgd
    const char* name;              ///< in `sipalgctl limits`
    const char* behaviour;         ///< the effect at the limit
    std::size_t most = 1'000'000;  ///< the highest value that the owner may set; the lowest is 1
};

inline constexpr const char* nothing_opened = "messages are forwarded, nothing new is opened";
inline constexpr const char* not_followed = "further calls are forwarded without pinholes";
inline constexpr const char* not_registered = "further registrations are forwarded without a binding";
inline constexpr const char* not_read = "further connections are forwarded unread";
inline constexpr const char* messages_not_read = "further messages are forwarded unread";
inline constexpr const char* oldest_listener = "the phone loses its oldest, or gets none";
inline constexpr const char* pair_is_rewritten = "messages of further pairs are rewritten";
inline constexpr const char* port_not_known = "further ports are not known, and may be chosen again";

inline constexpr std::array limit_rows{
    LimitRow{&Limits::max_calls, "max-calls", "calls", not_followed},
    LimitRow{&Limits::max_calls_per_phone, "max-calls-per-phone", "calls of a phone", not_followed},
    LimitRow{&Limits::max_calls_per_peer, "max-calls-per-peer", "calls of a peer", not_followed},
    LimitRow{&Limits::max_unanswered_per_phone, "max-unanswered-calls-per-phone",
             "unanswered calls to a phone", not_followed},
    LimitRow{&Limits::max_unproven_calls, "max-unproven-calls", "unproven calls",
             "the oldest one of the host with the most is removed"},
    LimitRow{&Limits::max_emergency_calls, "max-emergency-calls", "emergency calls",
             "further ones count as ordinary calls"},
    LimitRow{&Limits::max_emergency_calls_per_phone, "max-emergency-calls-per-phone",
             "emergency calls of a phone", "further ones count as ordinary calls"},
    LimitRow{&Limits::max_bindings, "max-bindings", "bindings", not_registered},
    LimitRow{&Limits::max_bindings_per_phone, "max-bindings-per-phone", "bindings of a phone",
             not_registered},
    LimitRow{&Limits::max_pending_registrations, "max-pending-registrations", "pending registrations",
             not_registered},
    LimitRow{&Limits::max_pending_registrations_per_phone, "max-pending-registrations-per-phone",
             "pending registrations of a phone", not_registered},
    LimitRow{&Limits::max_proven_pairs, "max-proven-pairs", "proven pairs",
             "the oldest one of the host with the most is removed"},
    LimitRow{&Limits::max_proven_pairs_per_phone, "max-proven-pairs-per-phone", "proven pairs of a phone",
             "the oldest pair of the phone is removed"},
    LimitRow{&Limits::max_mappings, "max-mappings", "mappings", nothing_opened},
    LimitRow{&Limits::max_mappings_per_phone, "max-mappings-per-phone", "mappings of a phone",
             nothing_opened},
    LimitRow{&Limits::max_streams, "max-tcp-connections", "TCP connections", not_read},
    LimitRow{&Limits::max_streams_per_phone, "max-tcp-connections-per-phone", "TCP connections of a phone",
             not_read},
    LimitRow{&Limits::max_half_open_streams, "max-half-open-connections", "half-open TCP connections",
             "the oldest one of the host with the most is removed"},
    LimitRow{&Limits::max_stream_memory, "max-tcp-bytes", "bytes of incomplete TCP messages",
             messages_not_read, 1 << 30},
    LimitRow{&Limits::max_stream_memory_per_phone, "max-tcp-bytes-per-phone",
             "bytes of incomplete TCP messages of a phone", messages_not_read, 1 << 30},
    LimitRow{&Limits::max_held_segments, "max-queued-segments", "queued TCP segments",
             "the oldest message is forwarded unread", 2048},
    LimitRow{&Limits::max_held_segments_per_phone, "max-queued-segments-per-phone",
             "queued TCP segments of a phone", "its oldest message is forwarded unread", 2048},
    LimitRow{&Limits::max_undelivered, "max-undelivered-tcp-bytes", "undelivered bytes of a TCP connection",
             "segments wait at their sender", 1 << 30},
    LimitRow{&Limits::max_listeners, "max-listeners", "listening ports", oldest_listener},
    LimitRow{&Limits::max_listeners_per_phone, "max-listeners-per-phone", "listening ports of a phone",
             oldest_listener},
    LimitRow{&Limits::max_nat_handling, "max-nat-handling", "pairs that handle NAT", pair_is_rewritten},
    LimitRow{&Limits::max_nat_handling_per_phone, "max-nat-handling-per-phone",
             "pairs of a phone that handle NAT", pair_is_rewritten},
    LimitRow{&Limits::max_existing_nat, "max-existing-nat", "ports of other NAT", port_not_known},
    LimitRow{&Limits::max_existing_nat_per_phone, "max-existing-nat-per-phone",
             "ports of other NAT of a phone", port_not_known},
};

}  // namespace sipalg
