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

/// The phone's socket that a Contact's transport parameter, host and port mean; nullopt: not its own.
using OwnContact =
    std::function<std::optional<Socket>(std::string_view transport, const Address& host, std::uint16_t port)>;

/// A Contact of the phone's own.
struct ListedContact {
    Socket inside;
    std::optional<std::int64_t> expires;  ///< its own parameter, seconds
    bool one_flow = false;                ///< has a reg-id (RFC 5626)
};

/// Calls `visit` for each Contact of the phone's own, 16 at most. True: one was "*".
bool each_contact(const sip::Message& message, const OwnContact& own,
                  const std::function<void(const ListedContact&)>& visit);

/// The proxies between the registrar and the phone that the 2xx names by address: the one next to the phone
/// on the path of requests to it (RFC 3327), and the first one on the route of the phone's requests (RFC
/// 3608).
std::vector<Address> neighbours(const ReceivedMessage& received);

}  // namespace sipalg::registration
