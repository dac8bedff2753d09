// The media of one side, as an offer or answer describes them (RFC 3264).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "alg/base/short_text.hpp"
#include "alg/base/small_vector.hpp"
#include "alg/net/address.hpp"
#include "alg/sdp/description.hpp"

namespace sipalg::call {

/// An endpoint at which media or their RTCP are received.
struct MediaSocket {
    Socket socket;
    bool rtcp = false;
    friend bool operator==(const MediaSocket&, const MediaSocket&) = default;
};
inline constexpr std::size_t max_further = 16;  ///< per line, besides the default; more are ignored

/// The side that opens the connection of media over TCP (RFC 4145).
enum class Setup : std::uint8_t {
    either,      ///< actpass, or left to the candidates of the line (RFC 6544)
    active,      ///< this side
    passive,     ///< the other side
    unspecified  ///< not given: see with_offer_setup()
};

using MediaType = ShortText<16>;

/// One m= line. The endpoints are inside ones for the phone, and the announced ones for the peer.
struct Stream {
    /// The number of the m= line. Alternative descriptions in a message (D7) share the numbers.
    std::uint8_t line = 0;
    MediaType type;  ///< "audio", "video", …
    Transport transport = Transport::udp;
    Endpoint rtp;  ///< port 0: rejected, or receives nothing
    /// For media over TCP. On an active side, `rtp` has only the address.
    Setup setup = Setup::either;
    Endpoint rtcp;                     ///< port 0: none
    std::vector<MediaSocket> further;  ///< of host candidates, a=altc, a=path and "port/count"
    bool rejected = false;             ///< port 0, except for a bundled line (RFC 9143)
    bool on_hold = false;              ///< inactive, or c=0.0.0.0: receives nothing
    bool one_way = false;              ///< sendonly or recvonly, which most phones use for hold
    bool rtcp_mux = false;             ///< offers or accepts RTCP on the RTP port (RFC 5761)
    bool bundled = false;              ///< uses another line's transport if the other side agrees (RFC 9143)
    bool hairpin = false;  ///< the peer's address is the router's own, so the peer is an inside phone (C9)
    bool receives() const { return rtp.port != 0 || !further.empty(); }
    friend bool operator==(const Stream&, const Stream&) = default;
};

using Session = SmallVector<Stream, 1>;

/// A session of an offer or a dialog, or none. Each fork that answers an offer refers to the same streams
/// (C3), and so does a copy.
class SharedSession {
  public:
    SharedSession() = default;
    SharedSession(Session session) : streams_(std::make_shared<const Session>(std::move(session))) {}

    explicit operator bool() const { return streams_ != nullptr; }
    const Session& operator*() const { return *streams_; }
    const Session* operator->() const { return streams_.get(); }
    const Session* get() const { return streams_.get(); }  ///< nullptr: none
    friend bool operator==(const SharedSession& a, const SharedSession& b) {
        return a.streams_ == b.streams_ || (a && b && *a == *b);
    }

  private:
    std::shared_ptr<const Session> streams_;
};

/// A resolved endpoint of a description: the endpoint on that side, and whether the description named a
/// public endpoint of the ALG.
struct Resolved {
    Endpoint endpoint;
    bool hairpin = false;
};
/// nullopt: the endpoint may not be used (X1, X2); the stream then opens nothing.
using Resolve = std::function<std::optional<Resolved>(const Socket&)>;

/// Adds the streams of a description. The m= lines of offer and answer correspond by Stream::line.
void read_session(const sdp::Description& description, const Resolve& resolve, Session& session);

/// The offer, with the roles that its streams over TCP have. Where a=setup is missing, the side that offers
/// opens the connection, and the other one waits for it (RFC 4145 4.1; RFC 4975 8.2 for MSRP). `agreed`, what
/// this side last described, keeps its role at the same endpoint, because the connection exists; nullptr:
/// there is none.
SharedSession with_offer_setup(const SharedSession& offer, const Session* agreed);
/// The same for an answer: the role that the offer leaves.
SharedSession with_answer_setup(const SharedSession& answer, const Session& offer);

}  // namespace sipalg::call
