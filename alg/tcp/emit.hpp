// Packets of a connection as the other end gets them, and segments of our own.
#pragma once

#include <vector>

#include "alg/tcp/connection.hpp"
#include "alg/tcp/output.hpp"

namespace sipalg::tcp {

/// Sends a carrier's packet with the bytes of `chunk` as its payload, cut into segments that the receiver
/// accepts.
void emit(const Connection& connection, Side from, const Carrier& carrier, const Chunk& chunk,
          std::vector<Output>& outputs);
/// Sends bytes that no carrier is left for, in segments of our own.
void emit(const Connection& connection, Side from, const Chunk& chunk, std::vector<Output>& outputs);
/// Sends a SYN: with a lower MSS (T3), and without multipath TCP, which would bypass us.
void emit_syn(const Connection& connection, const Carrier& carrier, std::vector<Output>& outputs);
/// Gives verdict `kind` to all queued packets.
void emit_queued(Connection& connection, Output::Kind kind, std::vector<Output>& outputs);

/// Sends everything in one direction that can be sent, `current` among it (nullptr: no packet has arrived).
/// Where `current` has to wait it is queued, or dropped unless `may_queue`: its bytes are kept already, or
/// the sender retransmits them.
void send_ready(Connection& connection, Side from, const Carrier* current, bool may_queue,
                std::vector<Output>& outputs);

// Segments of our own ---------------------------------------------------------------------------------

/// Acknowledges on the receiver's behalf what `sender` has sent (T1): behind a gap with a SACK block, as any
/// receiver would; else the local acknowledgement, with a window of at least one message.
void acknowledge(Connection& connection, Side sender, std::vector<Output>& outputs);
/// Asks the receiver of `sender`'s bytes for its window. The sender itself does not ask, since it was told
/// that all has arrived (RFC 9293 3.8.6.1).
void probe_window(const Connection& connection, Side sender, std::vector<Output>& outputs);
/// Resets both ends.
void reset(const Connection& connection, std::vector<Output>& outputs);
/// Resets the end that has sent `segment`.
void reset(const Connection& connection, Side sender, const Segment& segment, std::vector<Output>& outputs);

}  // namespace sipalg::tcp
