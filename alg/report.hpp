// What people are shown of the state, as plain values; the daemon turns them into JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alg/address.hpp"
#include "alg/pinhole.hpp"
#include "alg/time.hpp"

namespace sipalg {

/// A row of `sipalgctl pinholes`: one public address:port that somebody outside may send to.
struct PinholeReport {
    Transport transport = Transport::udp;
    Endpoint public_endpoint;
    Endpoint inside;
    std::string remote;     ///< "addr", "addr:port" or "*"
    std::string media;      ///< "audio", "video", …
    std::string component;  ///< "rtp" or "rtcp"
    std::string call_id;
    std::string state;  ///< "early" until answered, then "open", or "learned" (C5); on hold there is none
    std::int64_t expires_s = 0;
    bool observed = false;  ///< only would be open
};

/// One stream of a call.
struct MediaReport {
    std::string type;
    Endpoint inside;
    Endpoint public_endpoint;
    std::string remote;  ///< "addr:port" of the peer, empty before the answer
    std::string state;   ///< "early", "open", "held", "off"
    std::string
        silent;  ///< "phone", "peer", "both": who has not been heard lately; empty: nobody, or not known
};

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
    bool untouched = false;  ///< its messages are not changed (mode `pinhole`, or the peer minds NAT itself)
    bool observed = false;   ///< nothing of it is in the kernel (mode `observe`)
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
    bool untouched = false, observed = false;  ///< as of a call
};

/// A row of `sipalgctl flows`.
struct FlowReport {
    Transport transport = Transport::udp;
    Endpoint phone, peer;
    std::string opened_by;  ///< "inside" or "outside"
    std::string kind;       ///< see FlowKind
    std::string sni;        ///< host that a TLS client asks for
    std::string treatment;  ///< see FlowTreatment
    bool configured = true;
    Time started{0};
    std::int64_t idle_s = 0;
    std::uint64_t outward = 0, inward = 0;             ///< packets or messages seen
    std::int64_t grown_outward = 0, grown_inward = 0;  ///< TCP: bytes added to each stream so far
    std::size_t held = 0;                              ///< TCP: bytes that wait for the rest of a message
};

/// What happened in a call or registration, for the log: one line each.
struct Event {
    enum class Kind : std::uint8_t {
        call_offered,
        call_answered,
        call_ended,
        media_missing,
        media_latched,
        registered,
        unregistered,
        readdressed,      ///< the router's address has changed; the subject is the former one
        sip_found,        ///< SIP on a port that is not configured; the subject is the server's end
        not_listening,    ///< a phone's port can't be had outside; the subject is the phone's endpoint
        peer_minds_nat,   ///< its messages with the phone are left alone from now on (S2)
        phone_minds_nat,  ///< it writes its public address by itself
        body_sealed,      ///< a description that names the phone may not be changed (S5): a warning
    };
    Kind kind = Kind::call_offered;
    std::string subject;  ///< Call-ID or AOR
    std::string detail;   ///< for people: who, why
};

struct Totals {
    std::size_t calls = 0, bindings = 0, mappings = 0, pinholes = 0;
};

}  // namespace sipalg
