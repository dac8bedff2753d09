// Reads REGISTER requests and their 2xx responses (RFC 3261 10).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alg/dialog/received_message.hpp"
#include "alg/net/address.hpp"
#include "alg/sip/message.hpp"

namespace sipalg::registration {

/// The AOR of the To header without parameters: "sip:alice@example.com". Empty: there is none.
std::string aor_of(const sip::Message& message);

/// Returns the phone's socket for the transport parameter, host and port of a Contact; nullopt: not the
/// phone's.
using OwnContact =
    std::function<std::optional<Socket>(std::string_view transport, const Address& host, std::uint16_t port)>;

/// A Contact that is the phone's.
struct ListedContact {
    Socket inside;
    std::string_view user;                ///< the user part of its URI
    std::optional<std::int64_t> expires;  ///< its `expires` parameter, in seconds
};

/// Calls `visit` for each Contact that is the phone's, at most 16. True: one was "*".
bool each_contact(const sip::Message& message, const OwnContact& own,
                  const std::function<void(const ListedContact&)>& visit);

/// The addresses of proxies in the 2xx: the proxy next to the phone in Path (RFC 3327) and the first one in
/// Service-Route (RFC 3608).
std::vector<Address> neighbours(const ReceivedMessage& received);

}  // namespace sipalg::registration
