// Reports of the state as plain values, which the daemon turns into JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/call/call.hpp"
#include "alg/core/flow_list.hpp"
#include "alg/kernel/element.hpp"
#include "alg/nat/phone_peer.hpp"
#include "alg/net/address.hpp"

namespace sipalg {

/// A row of `sipalgctl pinholes`: one public address:port to which an outside host may send first.
struct PinholeReport {
    /// The reason why the host may send.
    enum class Serves : std::uint8_t {
        media,         ///< of a call; a stream on hold has no row
        latch,         ///< of a call: the first source of media that sends (C5)
        call,          ///< signalling of a call
        registration,  ///< requests from a registrar or an outbound proxy (C8)
        allowed_peer   ///< requests from a peer that the owner allows (N3)
    };
    Serves serves = Serves::media;
    Transport transport = Transport::udp;
    Endpoint public_endpoint;
    Endpoint inside;
    std::string remote;     ///< "addr", "addr:port" or "*"; of allowed peers also "addr/length"
    std::string media;      ///< "audio", "video", …; "sip": signalling
    std::string component;  ///< "rtp" or "rtcp"; empty: signalling
    std::string call_id;    ///< empty: of no call
    std::string state;      ///< "early" until answered, then "open"; "learned": let in by a latch (C5)
    std::int64_t expires_s = 0;
    bool observed = false;  ///< not in the kernel (mode `observe`)
    /// The flow from the port that the peer has announced; it may send from other ports as well.
    std::optional<ConntrackTuple> flow;
};
/// "media", "latch", "call", "registration", "allowed_peer"
std::string_view word(PinholeReport::Serves serves);

/// One stream of a call.
struct MediaReport {
    std::string type;
    Endpoint inside;
    Endpoint public_endpoint;
    std::string remote;  ///< "addr:port" of the peer, empty before the answer
    std::string state;   ///< "early", "open", "held", "off"
    std::string
        silent;  ///< the side that sends no packets: "phone", "peer" or "both"; empty: neither, or not known
};

/// The reason why the messages of a call or registration are not changed.
enum class Unchanged : std::uint8_t {
    no,                 ///< they are changed where they name the phone
    routed,             ///< the phone's address is not translated (N2)
    mode_pinhole,       ///< the owner's setting
    mode_observe,       ///< the owner's setting (O7)
    peer_handles_nat,   ///< proven by its messages (S2)
    phone_handles_nat,  ///< it writes its public address, so there is nothing to change (S2)
    as_begun            ///< the reason is gone, but a call continues as it began
};
/// "routed", "mode_pinhole", …: stable, for JSON. Empty: no.
std::string_view word(Unchanged why);
/// A clause for people: "the peer handles NAT itself". Empty: no.
std::string_view sentence(Unchanged why);

/// A row of `sipalgctl calls`.
struct CallReport {
    std::string call_id;
    std::string state;      ///< "offered", "early", "confirmed", "closing"
    std::string direction;  ///< "out" or "in", seen from the phone
    std::string from;       ///< URI of the From header
    std::string to;
    std::string phone;  ///< inside address
    std::string peer;   ///< signalling address outside
    Time started{0};
    bool unmodified = false;  ///< its messages are not changed (mode `pinhole`, or an end handles NAT itself)
    bool observed = false;    ///< nothing of it is in the kernel (mode `observe`)
    Unchanged why = Unchanged::no;
    std::vector<MediaReport> media;
};

/// A row of `sipalgctl bindings`.
struct BindingReport {
    Transport transport = Transport::udp;
    Endpoint public_endpoint;
    Endpoint inside;
    std::string aor;
    std::string registrar;  ///< address that may send requests in
    std::int64_t expires_s = 0;
    bool unmodified = false, observed = false;  ///< as in CallReport
    Unchanged why = Unchanged::no;
};

/// A row of `sipalgctl flows`.
struct FlowReport {
    Transport transport = Transport::udp;
    Endpoint phone, peer;
    std::string opened_by;  ///< "inside" or "outside"
    std::string kind;       ///< see FlowKind
    std::string sni;        ///< host name that the TLS client requests
    std::string treatment;  ///< see FlowTreatment
    bool configured = true;
    Time started{0};
    std::int64_t idle_s = 0;
    std::uint64_t outward = 0, inward = 0;             ///< packets or messages seen
    std::int64_t grown_outward = 0, grown_inward = 0;  ///< TCP: bytes added to each stream so far
    std::size_t held = 0;                              ///< TCP: bytes of incomplete messages
};

struct Totals {
    std::size_t calls = 0, bindings = 0, mappings = 0, pinholes = 0;
};

struct State;

/// The oldest call first.
std::vector<CallReport> report_calls(const State& state);
/// The `most` newest calls, the newest first.
std::vector<CallReport> report_newest_calls(const State& state, std::size_t most);
CallReport report_call(const State& state, const CallKey& key, const call::Call& call);
/// The reason for the messages of the two ends. `unmodified`: as in CallReport.
Unchanged why_unchanged(const State& state, const nat::PhonePeer& ends, bool unmodified);
/// Everything that lets an outside host send first, sorted by call.
std::vector<PinholeReport> report_pinholes(const State& state, Time now);
/// The first `most` in the order of addresses-of-record.
std::vector<BindingReport> report_bindings(const State& state, Time now,
                                           std::size_t most = std::numeric_limits<std::size_t>::max());
std::vector<FlowReport> report_flows(const State& state, Time now);
/// The TLS and DTLS flows of which only the first packet is seen. They end when their conntrack entry is
/// gone.
std::vector<FlowKey> watched_flows(const State& state);
Totals totals(const State& state);

}  // namespace sipalg
