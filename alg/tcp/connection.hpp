// A TCP connection between a phone and a peer: its state, its two directions, its timers.
#pragma once

#include <cstdint>
#include <optional>

#include "alg/base/time.hpp"
#include "alg/policy/policy.hpp"
#include "alg/tcp/connection_key.hpp"
#include "alg/tcp/connection_record.hpp"
#include "alg/tcp/direction.hpp"
#include "alg/tcp/segment.hpp"
#include "alg/tcp/step.hpp"
#include "alg/tcp/usage.hpp"

namespace sipalg::tcp {

/// The states of a connection. The life of most is opening, open, closed.
///
///     opening     A SYN was seen. The other direction may be unknown; another SYN begins the connection
///     anew.
///                 Forgotten after opening_time, or earlier if there are too many (X7).
///     established The end that opened it has acknowledged the SYN of the other: neither SYN was forged.
///                 From here on a new SYN is only a claim (Connection::claim). Forgotten after opening_time.
///     open        Data was seen. Forgotten when idle.
///     closed      Both ends have sent a FIN. Segments are still translated. Forgotten after closed_time.
///     reset       An end has sent a RST that the other end accepts. Data seen later proves that it did not:
///                 open again. Forgotten after reset_time.
///     bytes_lost  Restored, but the bytes that an earlier daemon had acknowledged locally are gone. The
///                 next timer or segment resets both ends.
///     refused     We have reset both ends. Each further segment is dropped and answered with a RST.
///                 Forgotten after refused_time.
///     unread      Not SIP, or bytes went by unseen: segments pass as they are. Forgotten at once, so only a
///                 SYN makes it known again.
///
/// refused and unread are final.
enum class Phase : std::uint8_t { opening, established, open, closed, reset, bytes_lost, refused, unread };

/// Whether a connection may go from one phase to another. Staying in the same one is allowed: it restarts
/// the phase's timer.
bool is_transition(Phase from, Phase to);

/// A connection that only one end has opened, or that carried nothing, is forgotten after it.
inline constexpr Time opening_time{130'000};
/// Until when the NAT mapping of a phone's end is acquired, again and again.
inline constexpr Time mapping_time{600'000};
/// Undelivered bytes are sent again after it (RFC 6298 2.4 says a second; a connection with only the way
/// from the router on may be quicker),
inline constexpr Time first_retransmission{250};
/// and at intervals that double up to this. After the last one the connection is reset, unless the receiver
/// still answers probes of its closed window.
inline constexpr Time last_retransmission{16'000};

class Connection {
  public:
    /// How much the MSS option of a SYN is lowered, so that a segment that grows still fits the path (T3).
    static constexpr std::uint16_t headroom = 120;

    Connection(const Opening& opening, Time now);
    /// From a record; see read_record().
    Connection(ConnectionKey key, Egress egress, Side opener, Time now);

    Phase phase() const { return phase_; }
    /// Goes to `next` and starts that phase's timer. Without effect where is_transition() says no.
    void enter(Phase next, Time now);
    /// Both ends have agreed to it, and it has not ended.
    bool is_live() const {
        return phase_ == Phase::established || phase_ == Phase::open || phase_ == Phase::bytes_lost;
    }
    /// When the connection is to be forgotten, if nothing more arrives.
    Time forget_at() const;

    /// The SYN-ACK of the other end. An end may answer again, with another number, until data was seen.
    void answer(Side from, const Segment& segment);
    /// What a segment of `from` acknowledges, in the numbers of `from`.
    Position acknowledged_by(Side from, const Segment& segment) const;
    /// Acknowledgement, window and timestamp of an acceptable segment of `from`.
    void note_header(Side from, const Segment& segment, Time now);
    /// SIP in this direction is read. On a connection that the inside opened, the inside speaks first: else
    /// any server that a host can be led to would make calls to it (X14).
    bool may_read(Side from) const {
        return from == Side::inside || opener == Side::outside || from_phone.spoke_sip;
    }

    Direction& direction(Side from) { return from == Side::inside ? from_phone : from_peer; }
    const Direction& direction(Side from) const { return from == Side::inside ? from_phone : from_peer; }
    /// Sequence numbers differ between the two ends (T4).
    bool has_moved_bytes() const { return from_phone.map().length() != 0 || from_peer.map().length() != 0; }
    /// The ends cannot go on without us.
    bool needs_us() const {
        return has_moved_bytes() || from_phone.has_undelivered() || from_peer.has_undelivered();
    }
    /// Some bytes were changed, or the kernel has a record of that.
    bool was_edited() const {
        return !from_phone.map().is_identity() || !from_peer.map().is_identity() || record.is_stored();
    }
    bool is_waiting() const { return from_phone.is_waiting() || from_peer.is_waiting(); }
    bool has_undelivered() const { return from_phone.has_undelivered() || from_peer.has_undelivered(); }
    /// Segments of our own can be made: the timestamps of both ends are known, if they use any. A restarted
    /// daemon learns them from the first segments.
    bool can_make_segments() const {
        return !from_phone.timestamps || (from_phone.timestamp && from_peer.timestamp);
    }
    std::size_t memory() const { return from_phone.memory() + from_peer.memory(); }
    std::size_t queued_count() const { return from_phone.queued_count() + from_peer.queued_count(); }

    void start_retransmission(Time now);
    void stop_timers() { acknowledge_at.reset(), retransmission.reset(), waiting.reset(); }

    const ConnectionKey key;
    const Egress egress;
    const Side opener;
    const bool editing;  ///< the two ends may get other bytes than were sent
    Direction from_phone, from_peer;

    /// A SYN that arrived while the connection lived: its sender has begun anew, or an attacker claims so.
    /// The other end decides: it answers that SYN, or goes on as before (RFC 5961 4.2).
    struct Claim {
        Side from = Side::inside;
        Segment syn;  ///< without payload
    };
    std::optional<Claim> claim;

    Time last_seen;
    /// An incomplete message waits.
    struct Waiting {
        Time since;
        Time progress;  ///< when its last bytes arrived
    };
    std::optional<Waiting> waiting;
    std::optional<Time> acknowledge_at;  ///< when what waits is acknowledged locally
    /// Undelivered bytes, or a probe of a closed window, are sent again.
    struct Retransmission {
        Time at;
        Time interval;
        bool repeated = false;  ///< at least once since everything had been delivered
    };
    std::optional<Retransmission> retransmission;
    std::optional<Time> mapping_refreshed;  ///< the phone's NAT mapping is acquired, and was refreshed then
    ConnectionRecord record;

    // Kept by Connections.
    Usage::Counts counted;

  private:
    Phase phase_ = Phase::opening;
    Time phase_since_;
};

}  // namespace sipalg::tcp
