// A call: one Call-ID at one phone, with its dialogs, mappings and pinholes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "alg/base/boxed.hpp"
#include "alg/base/shared_text.hpp"
#include "alg/base/small_vector.hpp"
#include "alg/base/time.hpp"
#include "alg/call/session.hpp"
#include "alg/dialog/call_key.hpp"
#include "alg/kernel/element.hpp"
#include "alg/kernel/record.hpp"
#include "alg/nat/mapping_key.hpp"
#include "alg/policy/per_side.hpp"
#include "alg/policy/policy.hpp"
#include "alg/sip/header.hpp"

namespace sipalg::call {

/// An offer that has no answer yet.
struct Offer {
    Side by = Side::inside;
    sip::Method method = sip::Method::invite;  ///< of its transaction
    std::uint32_t cseq = 0;
    SharedSession session;  ///< never none
    bool late = false;      ///< in a response to that INVITE: an ACK or a PRACK answers it
    Time until{0};          ///< in a dialog: when its transaction times out
    friend bool operator==(const Offer&, const Offer&) = default;
};

/// A BYE that has no final answer yet. It is not in the record, because its answer nearly always ends the
/// call. After a kill, the next daemon handles the BYE when that answer or a retransmission arrives (A5).
struct Bye {
    std::uint32_t cseq = 0;
    Time until{0};  ///< when its transaction times out (C6)
    friend bool operator==(const Bye&, const Bye&) = default;
};

/// A transaction of an INVITE, by the branch of its topmost Via.
struct Transaction {
    SharedText branch;
    bool open = true;        ///< no final response yet
    bool cancelled = false;  ///< its CANCEL was accepted: a response comes soon or never (RFC 3261 9.1)
    friend bool operator==(const Transaction&, const Transaction&) = default;
};

/// An INVITE. It has several transactions if it is forked to the same phone (two lines in a ring group), or
/// if the phone tries one server after another.
struct Invite {
    std::uint32_t cseq = 0;
    bool offered = false;  ///< it carried an offer, so descriptions in its responses are answers
    SmallVector<Transaction, 1> transactions;  ///< empty: there was no INVITE
    bool answered = false;                     ///< a re-INVITE: the late offer in its responses was answered

    Transaction* transaction(std::string_view branch);
    const Transaction* transaction(std::string_view branch) const;
    bool open() const;   ///< at least one transaction is open
    bool rings() const;  ///< at least one open transaction is not cancelled
    friend bool operator==(const Invite&, const Invite&) = default;
};

/// One dialog (RFC 3261 12), by the tags of phone and peer. A tag is empty if it is not known yet, or if the
/// end follows RFC 2543.
struct Dialog {
    enum class State : std::uint8_t { early, confirmed, ended };
    SharedText local_tag, remote_tag;
    State state = State::early;
    SharedSession local, remote;     ///< the latest agreement
    bool renegotiated = false;       ///< a later offer and answer have replaced those of the first INVITE
    PerSide<Boxed<Offer>> offers;    ///< both at once is glare (RFC 3261 14.1)
    PerSide<Boxed<Bye>> byes;        ///< both at once: the BYEs have crossed
    PerSide<Boxed<Invite>> invites;  ///< its latest re-INVITE
    Time session_until{0};  ///< when the session timer ends it (RFC 4028), with grace; 0: there is none
    /// The CSeq number of the latest request that was followed, except `byes`; -1: none.
    PerSide<std::int64_t> cseqs{{-1, -1}};
    /// The CSeq number of the latest UPDATE that was accepted; -1: none.
    PerSide<std::int64_t> refreshed{{-1, -1}};

    /// The CSeq number of the latest request of this side that was followed; -1: none.
    std::int64_t latest_cseq(Side side) const {
        return std::max<std::int64_t>(cseqs[side], byes[side] ? std::int64_t{byes[side]->cseq} : -1);
    }
    /// Whether the dialog ends at session_until. An early dialog ends with its INVITE instead.
    bool has_session_timer() const { return state == State::confirmed && session_until != Time{0}; }
    friend bool operator==(const Dialog&, const Dialog&) = default;
};

/// A pinhole of a call, with its description for reports.
struct CallPinhole {
    Pinhole pinhole;
    Endpoint inside;
    Endpoint shown;                 ///< the public endpoint as messages name it
    std::uint16_t remote_port = 0;  ///< announced by the peer; 0: not announced
    bool signalling = false;        ///< else media
    MediaType type;                 ///< of media: "audio", …
    bool rtcp = false;
    bool early = false;
    bool latched = false;  ///< not announced: a latch has let it in (C5)
    /// Adds the flows of the announced port, opened from either side. The peer may also send from other
    /// ports.
    void add_flows(std::vector<ConntrackTuple>& flows) const;
    friend bool operator==(const CallPinhole&, const CallPinhole&) = default;
};

/// An unannounced source of media that a latch has let in (C5).
struct CallLatchedSource {
    Socket inside;
    Address remote;
    friend bool operator==(const CallLatchedSource&, const CallLatchedSource&) = default;
};

/// A latch of a call, kept as long as the call wants its endpoint. The kernel keeps it at most until `until`.
struct CallLatch {
    Latch latch;
    Time until{0};
    bool to_open = false;  ///< only used while a message is followed
    friend bool operator==(const CallLatch&, const CallLatch&) = default;
};

/// An outside address that the call's messages come from.
struct CallPeer {
    Address address;
    bool admitted = false;  ///< it was proven during the call, so the call may open pinholes for it (X11)
    bool answered =
        false;  ///< it has answered in the call, or its request was let in: the call keeps it proven
    friend bool operator==(const CallPeer&, const CallPeer&) = default;
};

/// The parts of a call that identify its messages and decide their treatment, also after its end.
struct CallIdentity {
    Side caller = Side::inside;
    bool unmodified = false;  ///< its messages are not rewritten
    SharedText caller_tag;
    Socket contact;  ///< the phone's signalling endpoint of this call, inside
    Invite invite;   ///< the one that began the call, outside any dialog

    /// Whether the message, or the request that it responds to, is from the side and the tag that began the
    /// call.
    bool is_begun_by(Side side, std::string_view tag) const { return side == caller && tag == caller_tag; }
};

struct Call : CallIdentity {
    enum class State : std::uint8_t { offered, early, confirmed };
    std::uint32_t record_id = 0;
    State state = State::offered;
    bool emergency = false;  ///< it uses the reserve (X7); not in the record
    SharedText from, to;     ///< URIs as the phone writes them
    Egress egress;
    std::vector<Endpoint> old_endpoints;  ///< its public endpoints before the router's address changed
    SmallVector<CallPeer, 1> peers;       ///< the first is that of the latest INVITE
    std::optional<Offer> initial;         ///< the offer of that INVITE, which each fork answers (C3)
    SmallVector<Dialog, 1> dialogs;
    std::vector<nat::MappingKey> mappings;
    std::vector<CallPinhole> pinholes;
    std::vector<CallLatchedSource> latched;  ///< at most one for an endpoint
    std::vector<CallLatch> latches;          ///< not in the record: they end soon
    Time started{0};
    Time ringing_until{0};             ///< before the answer: when the call times out
    Time forks_until{0};               ///< after the answer: when the other forks end (C3)
    bool restored = false;             ///< from a record; not in it
    Time active{0};                    ///< last INVITE or UPDATE; not in the record
    bool audio_check_pending = false;  ///< a check is due, or one-way media were reported; not in the record
    RecordPieces record;               ///< as the kernel has it
    bool record_in_notes = false;      ///< it is in the notes of its pinholes; not in it
    Time renew_at{0};                  ///< when the kernel's timeouts are renewed; not in the record

    Dialog* dialog(std::string_view local_tag, std::string_view remote_tag);
    const Dialog* dialog(std::string_view local_tag, std::string_view remote_tag) const;
    CallPeer* peer(const Address& address);
    bool has_peer(const Address& address) const;
    /// The peer of the latest INVITE; no address: there is none.
    Address first_peer() const { return peers.empty() ? Address{} : peers.front().address; }
    /// X11: the peer of the latest INVITE has not answered.
    bool awaits_proof() const { return !peers.empty() && !peers.front().admitted; }
    /// X11: none of its peers has answered, so it has no open pinholes.
    bool is_unproven() const;
    /// X3: a stranger calls, and the phone has not responded with a dialog. Such a call is only in memory.
    bool is_unsolicited() const { return caller == Side::outside && dialogs.empty() && is_unproven(); }
    bool alive() const;  ///< at least one dialog has not ended
    /// All confirmed dialogs have ended, and there was at least one: only forks are left (C3).
    bool is_finished() const;
    bool answered() const { return forks_until != Time{0}; }  ///< it was confirmed once
    bool on_hold() const;            ///< no stream of a confirmed dialog expects media at the phone
    bool has_session_timer() const;  ///< all of its confirmed dialogs have one (RFC 4028)
};

inline constexpr std::uint8_t max_legs = 4;  ///< calls of one Call-ID at one phone
inline constexpr std::size_t max_dialogs = 16;
inline constexpr std::size_t max_transactions = 8;
inline constexpr std::size_t max_peers = 4;
inline constexpr std::size_t max_remotes = 32;  ///< sources of one endpoint, in all dialogs together
inline constexpr std::size_t max_latched = 16;  ///< endpoints of a call that have a latched source

/// The mapping of an endpoint that the call uses; nullptr: none.
const nat::MappingKey* mapping_of(const Call& call, const Socket& inside);

}  // namespace sipalg::call
