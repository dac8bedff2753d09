// What a REGISTER asks for, and its 2xx grants, as the messages have it (RFC 3261 10).
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

/// The AOR as people write it: "sip:alice@example.com", without parameters.
std::string aor_of(const sip::Message& message);

/// Resolves a Contact's transport parameter, host and port to the phone's socket; nullopt: not its own.
using OwnContact =
    std::function<std::optional<Socket>(std::string_view transport, const Address& host, std::uint16_t port)>;

/// A Contact that is the phone's own.
struct ListedContact {
    Socket inside;
    std::optional<std::int64_t> expires;  ///< its own parameter, seconds
    bool one_flow = false;                ///< has a reg-id (RFC 5626)
};

/// Calls `visit` for each Contact that is the phone's own, a few of them at most; true if one was "*".
bool each_contact(const sip::Message& message, const OwnContact& own,
                  const std::function<void(const ListedContact&)>& visit);

/// Who stands between the registrar and the phone as the 2xx has it, where that is told by address: the proxy
/// next to the phone in the path of requests to it (RFC 3327), and the first one that the phone's requests
/// are to go through (RFC 3608).
std::vector<Address> neighbours(const ReceivedMessage& received);

}  // namespace sipalg::registration
