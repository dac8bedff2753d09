// Creates the packets for the other end, and segments of the daemon's own.
#pragma once

#include <vector>

#include "alg/tcp/connection.hpp"
#include "alg/tcp/output.hpp"

namespace sipalg::tcp {

/// Sends a carrier's packet with the bytes of `chunk` as its payload, cut into segments that the receiver
/// accepts.
void emit(const Connection& connection, Side from, const Carrier& carrier, const Chunk& chunk,
          std::vector<Output>& outputs);
/// Sends bytes whose carriers were dropped, in segments of the daemon's own.
void emit(const Connection& connection, Side from, const Chunk& chunk, std::vector<Output>& outputs);
/// Sends a SYN with a lower MSS (T3) and without multipath TCP, which would bypass the daemon.
void emit_syn(const Connection& connection, const Carrier& carrier, std::vector<Output>& outputs);
/// Gives verdict `kind` to all queued packets.
void emit_queued(Connection& connection, Output::Kind kind, std::vector<Output>& outputs);

/// Sends everything in one direction that can be sent, including `current` (nullptr: no packet has arrived).
/// If `current` has to wait, it is queued, or dropped if `may_queue` is false: its bytes are stored already,
/// or the sender retransmits them.
void send_ready(Connection& connection, Side from, const Carrier* current, bool may_queue,
                std::vector<Output>& outputs);

// Segments of the daemon's own ------------------------------------------------------------------------

/// Acknowledges the bytes of `sender` on the receiver's behalf (T1). Bytes after a gap are acknowledged by a
/// SACK block, as by any receiver; otherwise this is the local acknowledgement, with a window of at least one
/// message.
void acknowledge(Connection& connection, Side sender, std::vector<Output>& outputs);
/// Probes the window of the receiver of `sender`'s bytes (RFC 9293 3.8.6.1). The sender does not probe it,
/// because its bytes were acknowledged locally.
void probe_window(const Connection& connection, Side sender, std::vector<Output>& outputs);
/// Resets both ends.
void reset(const Connection& connection, std::vector<Output>& outputs);
/// Resets the end that has sent `segment`.
void reset(const Connection& connection, Side sender, const Segment& segment, std::vector<Output>& outputs);

}  // namespace sipalg::tcp
