// A TCP connection between a phone and a peer: two halves that count for each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alg/core/decision.hpp"
#include "alg/policy/policy.hpp"
#include "alg/tcp/direction.hpp"

namespace sipalg::tcp {

/// The connection by its ends as they are inside.
struct ConnectionKey {
    Endpoint phone, peer;
    friend bool operator==(const ConnectionKey&, const ConnectionKey&) = default;
};
struct ConnectionKeyHash {
    std::size_t operator()(const ConnectionKey& key) const noexcept {
        return std::hash<Endpoint>{}(key.phone) * 31 + std::hash<Endpoint>{}(key.peer);
    }
};

struct Connection {
    /// So much room the other side is asked to leave in each segment, for what grows (T3).
    static constexpr std::uint16_t headroom = 120;

    ConnectionKey key;
    Egress egress;
    bool editing = true;      ///< the two ends may get other bytes than were sent
    bool unmodified = false;  ///< it is no SIP, or was lost: nothing of it is looked at any more
    bool refused = false;     ///< it was reset: nothing of it passes any more
    bool holds_mapping = false;
    Direction from_phone, from_peer;
    /// A SYN that came while the connection lived: its sender has begun anew, or somebody else pretends so.
    /// The other end decides: it answers that SYN, or goes on as before (RFC 5961 4.2).
    struct Rival {
        Side from = Side::inside;
        Segment syn;  ///< without payload
    };
    std::optional<Rival> rival;
    Time last_seen{0};
    Time over{0};      ///< when it can be forgotten; zero: not known
    Time due{0};       ///< when the deadline queue will name it
    Time progress{0};  ///< when the last new bytes came that had to wait
    Time waiting_since{0};
    Time acknowledge_at{0};  ///< whose sender is told then what of it has come; zero: nothing to tell
    Time send_again_at{0};   ///< what a sender was told and the receiver does not have; zero: nothing
    Time send_again_after{0};
    bool sent_again = false;  ///< since everything had arrived
    bool torn = false;        ///< bytes that were taken over have gone with an earlier daemon
    Time touched{0};          ///< when its mapping was renewed
    std::uint32_t record_id = 0;
    std::string record;       ///< as the kernel has it
    std::string next_record;  ///< as it is asked to have it
    Time told_at{0};          ///< when its SequenceMapped was last renewed; zero: there is none
    Time next_told_at{0};
    std::size_t weight = 0, held = 0;  ///< memory() and held_count() as they are counted

    Direction& half(Side from) { return from == Side::inside ? from_phone : from_peer; }
    const Direction& half(Side from) const { return from == Side::inside ? from_phone : from_peer; }
    const Endpoint& end(Side side) const { return side == Side::inside ? key.phone : key.peer; }
    bool is_shifted() const;
    /// Something was said, and neither have both ends closed it nor was it reset.
    bool is_live() const { return !unmodified && !refused && over == Time{0}; }
    /// The ends can't go on without us.
    bool needs_us() const { return is_shifted() || from_phone.owes() || from_peer.owes(); }
    bool is_edited() const {
        return !from_phone.shift().is_identity() || !from_peer.shift().is_identity() || !record.empty();
    }
    std::size_t memory() const { return from_phone.memory() + from_peer.memory(); }
    std::size_t held_count() const { return from_phone.held_count() + from_peer.held_count(); }
};

/// A connection that only one end has opened, or none has used, is forgotten after that.
inline constexpr Time half_open_time{130'000};
/// What was taken over is sent again after that, if it does not arrive (RFC 6298 2.4 says a second; one that
/// has a router's way to go knows it to be shorter).
inline constexpr Time send_again_first{250};
/// And less and less often, until nobody waits for it any more; one who does not read, but answers, is waited
/// for.
inline constexpr Time send_again_last{16'000};
/// What the mapping of a phone's end is held for, again and again.
inline constexpr Time mapping_time{600'000};

inline Side opposite(Side side) {
    return side == Side::inside ? Side::outside : Side::inside;
}

/// Writes the packet in which `carrier` brings `load` on, in as many pieces as its receiver takes.
void ship(Connection& flow, Side from, const Carrier& carrier, const Load& load,
          std::vector<Output>& outputs);
/// The same for bytes that have no carrier.
void ship(Connection& flow, Side from, const Load& load, std::vector<Output>& outputs);
/// A SYN, with less room in it and without what would tie the ends to the bytes.
void ship_syn(const Connection& flow, const Carrier& carrier, std::vector<Output>& outputs);
/// Everything of one half that may go, `current` among it; no current: nullptr. Without `may_hold` it is
/// dropped if it has to wait: its bytes are kept, or come again.
void let_go(Connection& flow, Side from, const Carrier* current, bool may_hold, std::vector<Output>& outputs);
/// Tells the sender of a half what has come of it, on the receiver's behalf (T1): behind a gap, as any
/// receiver would; else that what was taken over has arrived and that there is room for a whole message.
void acknowledge(const Connection& flow, Side sender, std::vector<Output>& outputs);
/// Asks the receiver of a half whether he has room: nobody else does, where the sender was told that all has
/// arrived (RFC 9293 3.8.6.1).
void probe(const Connection& flow, Side sender, std::vector<Output>& outputs);
/// Whether segments of our own can be made: their timestamps are known.
bool may_make(const Connection& flow);
/// Resets to both ends.
void reset(const Connection& flow, std::vector<Output>& outputs);
/// A reset to the end that has sent `segment`.
void reset(const Connection& flow, Side sender, const Segment& segment, std::vector<Output>& outputs);

/// The record of a flow, with the edits that are planned, and back. False: another layout, or broken.
std::string write_record(const Connection& flow);
bool read_record(std::string_view bytes, Connection& flow);

}  // namespace sipalg::tcp
