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

/// The states of a connection. Most connections go through opening, open and closed.
///
///     opening      A SYN was seen. The other direction may be unknown; another SYN begins the connection
///                  again. Removed after opening_time, or earlier if there are too many (X7).
///     established  The end that opened it has acknowledged the SYN of the other, so neither SYN was forged.
///                  From here on a new SYN is only a claim (Connection::claim). Removed after opening_time.
///     open         Data was seen. Removed when idle.
///     closed       Both ends have sent a FIN. Segments are still translated. Removed after closed_time.
///     reset        An end has sent a RST that the other end should accept. Later data proves that it did
///                  not: open again. Removed after reset_time.
///     bytes_lost   Restored, but the bytes that an earlier daemon had acknowledged locally are lost. The
///                  next timer or segment resets both ends.
///     refused      The daemon has reset both ends. Each further segment is dropped and answered with a RST.
///                  Removed after refused_time.
///     unread       Not SIP, or bytes have passed unseen: segments pass unmodified. Removed at once, so only
///                  a SYN makes it known again.
///
/// refused and unread are final.
enum class Phase : std::uint8_t { opening, established, open, closed, reset, bytes_lost, refused, unread };

/// Whether a connection may go from one phase to another. Staying in the same one is allowed: it restarts
/// the phase's timer.
bool is_transition(Phase from, Phase to);

/// A connection that is half-open, or that has carried no data, is removed after this time.
inline constexpr Time opening_time{130'000};
/// The time for which the NAT mapping of the phone's end is acquired and each time renewed.
inline constexpr Time mapping_time{600'000};
/// Undelivered bytes are retransmitted after this time. RFC 6298 2.4 asks for a second; less is enough here,
/// because the path begins at the router.
inline constexpr Time first_retransmission{250};
/// The interval then doubles up to this one. After the last retransmission the connection is reset, unless
/// the receiver still answers probes of its closed window.
inline constexpr Time last_retransmission{16'000};

class Connection {
  public:
    /// The MSS option of a SYN is lowered by this many bytes, so that a segment that grows still fits the
    /// path (T3).
    static constexpr std::uint16_t headroom = 120;

    Connection(const Opening& opening, Time now);
    /// Restores a connection; see read_record.hpp.
    Connection(ConnectionKey key, Egress egress, Side opener, Time now);

    Phase phase() const { return phase_; }
    /// Enters the phase `next` and starts its timer. No effect if is_transition() is false.
    void enter(Phase next, Time now);
    /// Whether both ends have opened the connection and it has not ended.
    bool is_live() const {
        return phase_ == Phase::established || phase_ == Phase::open || phase_ == Phase::bytes_lost;
    }
    /// When the connection is removed if no more segments arrive.
    Time forget_at() const;

    /// Notes the SYN-ACK of the other end. Until data was seen, an end may answer again with another sequence
    /// number.
    void answer(Side from, const Segment& segment);
    /// The position that a segment of `from` acknowledges, in the sequence numbers of `from`.
    Position acknowledged_by(Side from, const Segment& segment) const;
    /// Notes acknowledgement, window and timestamp of an acceptable segment of `from`.
    void note_header(Side from, const Segment& segment, Time now);
    /// Whether SIP in this direction is read. On a connection that was opened from inside, SIP from outside
    /// is read only after the inside has sent SIP; otherwise any server to which a host connects could make
    /// calls to that host (X14).
    bool may_read(Side from) const {
        return from == Side::inside || opener == Side::outside || from_phone.spoke_sip;
    }

    Direction& direction(Side from) { return from == Side::inside ? from_phone : from_peer; }
    const Direction& direction(Side from) const { return from == Side::inside ? from_phone : from_peer; }
    /// Whether the sequence numbers of the two ends differ (T4).
    bool has_moved_bytes() const { return from_phone.map().length() != 0 || from_peer.map().length() != 0; }
    /// Whether the two ends need the daemon to continue.
    bool needs_us() const {
        return has_moved_bytes() || from_phone.has_undelivered() || from_peer.has_undelivered();
    }
    /// Whether bytes were changed, or the kernel has a record of that.
    bool was_edited() const {
        return !from_phone.map().is_identity() || !from_peer.map().is_identity() || record.is_stored();
    }
    bool is_waiting() const { return from_phone.is_waiting() || from_peer.is_waiting(); }
    bool has_undelivered() const { return from_phone.has_undelivered() || from_peer.has_undelivered(); }
    /// Whether the daemon can create segments: the timestamps of both ends are known, if they use timestamps.
    /// After a restart they are known from the first segments.
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
    const bool editing;  ///< messages may be edited
    Direction from_phone, from_peer;

    /// A SYN on an established connection: its sender has restarted, or an attacker has forged it. The other
    /// end decides, because it either answers that SYN or continues (RFC 5961 4.2).
    struct Claim {
        Side from = Side::inside;
        Segment syn;  ///< without payload
    };
    std::optional<Claim> claim;

    Time last_seen;
    /// The wait for the rest of an incomplete message.
    struct Waiting {
        Time since;
        Time progress;  ///< when its last bytes arrived
    };
    std::optional<Waiting> waiting;
    std::optional<Time> acknowledge_at;  ///< when the waiting bytes are acknowledged locally
    /// The retransmission of undelivered bytes, or of a probe of a closed window.
    struct Retransmission {
        Time at;
        Time interval;
        bool repeated = false;  ///< retransmitted at least once since all bytes had been delivered
    };
    std::optional<Retransmission> retransmission;
    std::optional<Time>
        mapping_refreshed;  ///< the phone's NAT mapping is acquired; the time of its last refresh
    ConnectionRecord record;

    // Maintained by Connections.
    Usage::Counts counted;

  private:
    Phase phase_ = Phase::opening;
    Time phase_since_;
};

}  // namespace sipalg::tcp
