// Determines the inside hosts of a capture, and the address of the router that the outside sees.
//
// Theory of operation. A capture shows one side of the router, the other, or both. If it shows both, it has a
// phone's packet twice: as it left the phone, and as it left the router. The two copies have the same
// Call-ID, CSeq, branch and one end in common; the other ends show which inside endpoint is behind the
// router's endpoint, and so do the streams in their descriptions. The core gets each message once, with the
// ends that the inside edge would see (A1): the inside copy of messages from phones, the outside copy of
// messages to phones, or the only copy. It gets the inside copies alone if the router has given the phone
// another port than the core would choose, and on TCP, where the two sides differ in their sequence numbers.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "alg/capture/packets.hpp"
#include "alg/explain/tcp_messages.hpp"
#include "alg/policy/policy.hpp"
#include "alg/policy/treatment.hpp"
#include "alg/sdp/description.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::explain {

/// The user's information about the capture. Fields without a value are guessed.
struct Hints {
    std::vector<Prefix> inside;
    std::optional<Address> outside;
};

/// A packet as the inside edge sees it.
struct Oriented {
    Side from = Side::inside;
    Endpoint phone, peer;
    bool as_outside = false;  ///< the packet was captured outside: it names the router's address
};

class Topology {
  public:
    Topology(const capture::Packets& capture, const Hints& hints);

    /// nullopt: the packet does not cross the router, or its other copy is used.
    std::optional<Oriented> orient(const capture::CapturedPacket& packet) const;
    /// The router's address outside.
    const Address& outside() const { return outside_; }
    const std::set<Address>& inside() const { return inside_; }
    /// Sentences about guesses and missing data.
    const std::vector<std::string>& notes() const { return notes_; }
    /// Ports that count as SIP ports: those at which peers receive SIP.
    std::vector<std::uint16_t> sip_ports() const;
    /// Whether the packet carries SIP, or belongs to a TCP connection that does.
    bool is_signalling(const Packet& packet) const;
    /// Whether the capture has the first segment of this direction of a TCP connection.
    bool has_begin(const Packet& packet) const {
        return tcp_messages_.has_begin(packet.source, packet.destination);
    }
    /// Whether the capture has the packets of the side.
    bool sees(Side side) const { return side == Side::inside ? sees_inside_ : sees_outside_; }

  private:
    struct Leg {
        bool registers = false;           ///< the first end of the pair has sent a REGISTER
        std::uint64_t first_request = 0;  ///< frame; 0: none
    };
    struct Copy {
        Transport transport = Transport::udp;
        Endpoint source, destination;
        std::uint64_t frame = 0;
        Address sent_by;              ///< of a request's topmost Via
        std::vector<Endpoint> media;  ///< in its description: RTP and RTCP of each stream
    };
    using Pair = std::pair<Address, Address>;  // sender, receiver

    void read_messages(const capture::Packets& capture);
    void read_message(const capture::CapturedPacket& packet, std::string_view bytes);
    void note_sides(const capture::Packets& capture);
    void find_copies();
    void find_router();
    void choose_phones();
    void find_outside_address(const Hints& hints);
    void pair_copies();
    void pair(const Copy& outside, const Copy& inside);
    void explain_choice(const Hints& hints, const capture::Packets& capture);
    bool is_router(const Address& address) const { return routers_.contains(address); }
    std::optional<Endpoint> phone_behind(const Endpoint& router) const;

    TcpMessages tcp_messages_;
    sip::Message message_;          // working space of read_message()
    sdp::Description description_;  // likewise
    std::map<Pair, Leg> legs_;
    std::unordered_map<std::string, std::vector<Copy>> copies_;  ///< by identity of the message
    std::set<Socket> sip_sockets_;                               ///< both ends of all messages
    std::set<std::pair<Endpoint, Endpoint>> sip_connections_;    ///< TCP, either order
    std::set<std::uint16_t> sip_ports_;
    std::set<Address> inside_, routers_, seen_as_;  ///< seen_as_: received= that peers wrote
    std::map<Endpoint, Endpoint> phones_;           ///< router's endpoint to the phone's
    std::set<Endpoint> doubled_;                    ///< router's endpoints of TCP that the inside shows too
    std::set<std::uint64_t> unused_;                ///< frames of which the other copy is used
    bool recorded_ = false;                         ///< by `sipalgctl record`
    Address outside_;
    bool outside_guessed_ = false, outside_invented_ = false;
    bool sees_inside_ = false, sees_outside_ = false;
    bool chosen_by_order_ = false;
    bool shows_as_arrived_ = false;  ///< messages to a phone of which the outside copy is not used
    std::vector<std::string> notes_;
};

}  // namespace sipalg::explain
