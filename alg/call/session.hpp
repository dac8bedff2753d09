// The media of one side, as an offer or answer describes them (RFC 3264).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "alg/net/address.hpp"
#include "alg/sdp/description.hpp"

namespace sipalg::call {

/// An endpoint at which media or their RTCP are received.
struct MediaSocket {
    Socket socket;
    bool rtcp = false;
    friend bool operator==(const MediaSocket&, const MediaSocket&) = default;
};
inline constexpr std::size_t max_further = 16;  ///< in one line, besides the default; more are ignored

/// The side that opens the connection of media over TCP (RFC 4145).
enum class Setup : std::uint8_t {
    either,  ///< actpass, or not given
    active,  ///< this side
    passive  ///< the other side
};

/// One m= line. For the phone's side the endpoints are inside ones; for the peer's, what it announces.
struct Stream {
    /// The number of the m= line. Alternative descriptions in a message (D7) share the numbers.
    std::uint8_t line = 0;
    std::string type;  ///< "audio", "video", …
    Transport transport = Transport::udp;
    Endpoint rtp;                      ///< port 0: rejected, or nothing is ever received there
    Setup setup = Setup::either;       ///< over TCP; of an active side `rtp` has the address
    Endpoint rtcp;                     ///< port 0: none
    std::vector<MediaSocket> further;  ///< of host candidates, a=altc, a=path and "port/count"
    bool rejected = false;             ///< port 0, and not because it is bundled (RFC 9143)
    bool on_hold = false;              ///< inactive, or c=0.0.0.0: receives nothing
    bool one_way = false;              ///< sendonly or recvonly: most phones put on hold so
    bool rtcp_mux = false;             ///< offers or accepts RTCP on the RTP port (RFC 5761)
    bool bundled = false;              ///< uses another line's transport if the other side agrees (RFC 9143)
    bool hairpin = false;  ///< the peer's address is one of the router's own: it is a phone inside (C9)
    bool receives() const { return rtp.port != 0 || !further.empty(); }
    friend bool operator==(const Stream&, const Stream&) = default;
};

using Session = std::vector<Stream>;

/// The meaning of an endpoint in a description: the endpoint on that side, and whether it is one of the ALG's
/// own public endpoints.
struct Resolved {
    Endpoint endpoint;
    bool hairpin = false;
};
/// nullopt: the endpoint may not be used (X1, X2); the stream then opens nothing.
using Resolve = std::function<std::optional<Resolved>(const Socket&)>;

/// Adds the streams of a description. The m= lines of offer and answer correspond by Stream::line.
void read_session(const sdp::Description& description, const Resolve& resolve, Session& session);

}  // namespace sipalg::call
