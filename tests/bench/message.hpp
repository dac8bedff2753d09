// Writes the SIP messages of the load generator, and reads the few parts that it needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

/// One side's SIP endpoint as it names itself in messages.
struct Endpoint {
    std::string address;  ///< dotted quad
    std::uint16_t port = 5060;
    std::string text() const { return address + ":" + std::to_string(port); }
    bool operator==(const Endpoint&) const = default;
};

/// The phone's state of one dialog, or of one transaction outside a dialog.
struct Dialog {
    std::string call_id;
    std::string from_tag;
    std::string target;  ///< request URI: the provider's, then its Contact
    std::string to;      ///< value of the To header, with a tag once there was an answer
    std::uint16_t media_port = 0;
    unsigned cseq = 1;
    std::string branch;  ///< of the current transaction, with the magic cookie
    bool tcp = false;
    std::uint64_t sent = 0;  ///< value of an X-Sent header; 0: none
};

/// Writes a request of the phone into `out` (replaced). INVITE carries an offer. A message is about as long
/// as a desk phone's: 1 kB for INVITE, 0.4 to 0.6 kB for the others.
void write_request(std::string& out, std::string_view method, const Dialog& dialog, const Endpoint& phone,
                   const Endpoint& provider);

/// Writes the provider's 200 to `request` into `out` (replaced), with received= and rport= as RFC 3581
/// section 4 asks for `source`. Adds an answer with `media_port` and an X-Sent header with `sent`, each
/// unless it is 0. The Contact is one of the request's transport.
void write_ok(std::string& out, std::string_view request, const Endpoint& source, const Endpoint& provider,
              std::uint16_t media_port, std::uint64_t sent = 0);

/// The value of the first header of that full name, as both ends of the benchmark write it ("Name: value");
/// empty when there is none.
std::string_view header(std::string_view message, std::string_view name);

/// The method of a request; empty for a response.
std::string_view method(std::string_view message);
/// The status code of a response; 0 for a request.
unsigned status(std::string_view message);
/// The URI between angle brackets of a header value; empty when there is none.
std::string_view bracketed_uri(std::string_view value);

/// The first audio stream of the message's session description: address of the session's c= line, port of
/// the m= line. Port 0 when there is no description.
Endpoint media(std::string_view message);

}  // namespace bench
