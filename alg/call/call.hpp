// A call: one Call-ID as one phone takes part in it, with its dialogs and what it keeps open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/call/session.hpp"
#include "alg/dialog/call_key.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/policy/policy.hpp"
#include "alg/sip/header.hpp"

namespace sipalg::call {

/// An offer that has no answer yet.
struct Offer {
    Side by = Side::inside;
    sip::Method method = sip::Method::invite;  ///< of the transaction it came in
    std::uint32_t cseq = 0;
    Session session;
    bool late = false;  ///< in a response to that INVITE: an ACK or a PRACK answers it
    Time until{0};      ///< in a dialog: when its transaction can have an answer no longer
    friend bool operator==(const Offer&, const Offer&) = default;
};

/// A BYE that has no final answer yet.
struct Bye {
    std::uint32_t cseq = 0;
    Time until{0};  ///< when its transaction is over (C6)
    friend bool operator==(const Bye&, const Bye&) = default;
};

/// A transaction of an INVITE, by the branch of its topmost Via.
struct Transaction {
    std::string branch;
    bool open = true;  ///< no final response yet
    friend bool operator==(const Transaction&, const Transaction&) = default;
};

/// An INVITE. It comes in several transactions when it is forked on its way to the same phone (two lines in a
/// ring group), or tries one server after another.
struct Invite {
    std::uint32_t cseq = 0;
    bool offered = false;                   ///< it carried a description: those in its responses are answers
    std::vector<Transaction> transactions;  ///< empty: there was no INVITE
    bool answered = false;  ///< of a re-INVITE: so is the late offer of its responses, which may repeat it

    Transaction* transaction(std::string_view branch);
    bool open() const;  ///< some transaction is
    friend bool operator==(const Invite&, const Invite&) = default;
};

/// One dialog (RFC 3261 12), by the tags of phone and peer. An empty tag is RFC 2543's, or not known yet.
struct Dialog {
    enum class State : std::uint8_t { early, confirmed, ended };
    std::string local_tag, remote_tag;
    State state = State::early;
    std::optional<Session> local, remote;  ///< what was agreed last
    bool renegotiated = false;             ///< a later exchange has replaced that of the first INVITE
    std::optional<Offer> offers[2];        ///< by Side: both at once is glare (RFC 3261 14.1)
    std::optional<Bye> byes[2];            ///< by Side: both at once is a crossing
    Invite invites[2];                     ///< by Side: its latest re-INVITE
    Time session_until{0};  ///< when the session timer ends it (RFC 4028), with grace; 0: there is none
    std::int64_t cseqs[2]{-1, -1};      ///< by Side: of its latest request that was followed
    std::int64_t refreshed[2]{-1, -1};  ///< by Side: CSeq of its latest UPDATE that was accepted

    /// A confirmed dialog that ends at session_until. An early one ends with its INVITE.
    bool has_session_timer() const { return state == State::confirmed && session_until != Time{0}; }
    std::optional<Offer>& offer(Side side) { return offers[static_cast<std::size_t>(side)]; }
    const std::optional<Offer>& offer(Side side) const { return offers[static_cast<std::size_t>(side)]; }
    Invite& invite(Side side) { return invites[static_cast<std::size_t>(side)]; }
    std::optional<Bye>& bye(Side side) { return byes[static_cast<std::size_t>(side)]; }
    friend bool operator==(const Dialog&, const Dialog&) = default;
};

/// A pinhole of a call, with what people want to know of it.
struct CallPinhole {
    Pinhole pinhole;
    Endpoint inside;
    Endpoint shown;                 ///< the public endpoint as messages say it
    std::uint16_t remote_port = 0;  ///< as the peer announced it; 0: it has not
    std::string type;               ///< "audio", …; "sip" for signalling
    bool rtcp = false;
    bool early = false;
    bool learned = false;  ///< not announced: a latch has let it in (C5)
    bool same_hole(const CallPinhole& other) const { return pinhole == other.pinhole; }
    /// Adds the flow that the pinhole is meant for, begun from either side, if the peer has announced its
    /// port. It may send from other ports as well.
    void add_flows(std::vector<ConntrackTuple>& flows) const;
    friend bool operator==(const CallPinhole&, const CallPinhole&) = default;
};

/// Where the media of an endpoint came from as nobody had announced it (C5, `latch`).
struct CallLatchedSource {
    Socket inside;
    Address remote;
    friend bool operator==(const CallLatchedSource&, const CallLatchedSource&) = default;
};

struct LatchHash {
    std::size_t operator()(const Latch& latch) const {
        return std::hash<Socket>{}({latch.transport, latch.outside});
    }
};
/// A latch of a call, kept as long as its endpoint is wanted: in the kernel until `until` at most.
struct CallLatch {
    Latch latch;
    Time until{0};
    bool to_open = false;  ///< only while a message is followed
    friend bool operator==(const CallLatch&, const CallLatch&) = default;
};

struct Call {
    enum class State : std::uint8_t { offered, early, confirmed, closing };
    std::uint32_t record_id = 0;
    State state = State::offered;
    Side caller = Side::inside;
    bool unmodified = false;  ///< its messages are not rewritten
    std::string caller_tag;
    std::string from, to;  ///< URIs as the phone writes them
    Egress egress;
    Socket contact;                ///< the phone's signalling endpoint of this call, inside
    std::vector<Endpoint> former;  ///< what messages said for it before the router's address changed
    std::vector<Address> peers;    ///< signalling addresses outside; the first is who the call was made with
    Invite invite;                 ///< that began it, outside any dialog
    std::optional<Offer> initial;  ///< of that INVITE: every fork answers it anew (C3)
    std::vector<Dialog> dialogs;
    std::vector<nat::MappingKey> mapped;
    std::vector<CallPinhole> pins;
    std::vector<CallLatchedSource> learned;  ///< at most one for an endpoint
    std::vector<CallLatch> latches;          ///< not in the record: they end soon by themselves
    Time started{0};
    Time ringing_until{0};  ///< before an answer: the end of patience
    Time forks_until{0};    ///< after one: when the other forks end (C3)
    Time closed_until{0};   ///< closing: how long late messages still find it
    bool restored = false;  ///< from a record; not in it
    Time active{0};         ///< last INVITE or UPDATE; not in the record
    bool listened = false;  ///< it waits to be listened to, or was found silent once; not in the record
    std::string record;     ///< as it stands in the kernel
    Time renew_at{0};       ///< when the kernel's timeouts are renewed; not in the record

    Dialog* dialog(std::string_view local_tag, std::string_view remote_tag);
    bool has_peer(const Address& address) const;
    bool alive() const;  ///< some dialog is not ended
    /// It was confirmed, and every dialog that was has ended: only forks linger (C3).
    bool is_finished() const;
    bool answered() const { return forks_until != Time{0}; }  ///< it was confirmed once
    bool on_hold() const;  ///< no stream of a confirmed dialog expects media, or media pass us by on the LAN
    bool has_session_timer() const;  ///< all of its confirmed dialogs have (RFC 4028)
};

inline constexpr std::size_t max_dialogs = 16;
inline constexpr std::size_t max_transactions = 8;
inline constexpr std::size_t max_peers = 4;
inline constexpr std::size_t max_remotes = 32;  ///< who may send to one endpoint, in all dialogs together
inline constexpr std::size_t max_learned = 16;  ///< endpoints of a call that have a learned source

/// The mapping that the call holds of an endpoint; nullptr: none.
const nat::MappingKey* mapping_of(const Call& call, const Socket& inside);

/// One endpoint that a call wants mapped, and who may send there.
struct Want {
    Socket inside;
    bool same_line = false;         ///< belongs to the media line of the one before it
    bool latch = false;             ///< whoever sends first may, besides those (C5)
    std::vector<CallPinhole> pins;  ///< pinhole.outside and shown are not filled in
};
/// What the negotiation, as far as it has come, asks to be open; each endpoint once.
std::vector<Want> wanted(const Call& call, MediaSource source);

}  // namespace sipalg::call
