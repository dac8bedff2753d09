// Messages of user agents, with the intention of the sender.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::model {

/// One m= line as its sender writes it.
struct Line {
    enum class Kind : std::uint8_t { audio, video, fax };
    enum class Direction : std::uint8_t { sendrecv, sendonly, recvonly, inactive };
    Kind kind = Kind::audio;
    std::uint16_t port = 0;  ///< 0: rejected or removed
    std::uint16_t rtcp = 0;  ///< of a=rtcp; 0: there is none
    Direction direction = Direction::sendrecv;
    bool mux = false;
    Address host;  ///< of c=; 0.0.0.0 is the old way to hold

    bool open() const { return port != 0; }
    bool held() const { return direction == Direction::inactive || host.is_unspecified(); }
    bool has_rtcp() const { return kind != Kind::fax; }
    std::uint16_t rtcp_port() const { return rtcp ? rtcp : static_cast<std::uint16_t>(port + 1); }
};
using Description = std::vector<Line>;
/// For people: "audio 16000, video 0".
std::string shown(const Description& description);

/// The meaning of a description to its sender.
enum class Role : std::uint8_t { none, offer, answer };

/// A message on its way. Transactions, offers and forks are numbered over the whole run, so that the meaning
/// of a message is known without parsing it.
struct Message {
    int number = 0;  ///< a retransmission has that of its original
    int call = 0;
    Side from = Side::inside;
    Endpoint source, destination;
    std::string method;
    int status = 0;  ///< 0: a request
    int transaction = 0;
    bool initial = false;  ///< of a transaction outside any dialog
    int fork = -1;         ///< which of the call's dialogs; -1: none
    std::string from_tag, to_tag;
    std::uint32_t cseq = 0;
    std::optional<Description> description;
    Role role = Role::none;
    int offer = 0;  ///< the one that is made or answered
    std::uint32_t rseq = 0;
    std::uint32_t session_expires = 0;
    std::string text;  ///< as its sender wrote it
    std::string got;   ///< as it left the router the first time; empty: not yet
    Time got_at{0};
    bool followed = false;   ///< it belonged to a dialog that was alive then
    bool comparable = true;  ///< the state by which it was rewritten still exists
    Time sent_at{0};

    bool is_request() const { return status == 0; }
    bool is(std::string_view name) const { return method == name; }
};
/// For the ladder: "INVITE 2 call 1 offer 3 (audio 16000)".
std::string shown(const Message& message);

/// The lines of `text` that begin with "NAME: ", each with its line end.
std::string header_lines(std::string_view text, std::string_view name);
/// The text between "<" and ">" in the first of these lines; empty: there is none.
std::string header_uri(std::string_view text, std::string_view name);
/// Ports of the m= lines.
std::vector<std::uint16_t> media_ports(std::string_view text);

/// Writes Message::text of a request to `uri`, or of a response to the request `answered`.
void write_request(Message& message, const std::string& uri, int branch);
void write_response(Message& message, const Message& answered);

}  // namespace sipalg::model
