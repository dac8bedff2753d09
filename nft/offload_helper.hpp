// The helper that keeps signalling out of flowtables (A8).
//
// Theory of operation. `flow add` never offloads a connection that has a conntrack helper. So sipalgd
// registers a helper in user space (nfnetlink_cthelper) that it never configures: the kernel then accepts
// each packet without asking any program (nfnl_userspace_cthelper() in net/netfilter/nfnetlink_cthelper.c),
// and the helper has no other effect. Our table assigns it to signalling, while some rule says `flow add`.
// Its name is machine-wide, not one of the network namespace. It stays registered when the daemon stops: TCP
// connections that have it stay visible to the next start, and it does nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "alg/net/address.hpp"
#include "alg/sys/netlink.hpp"

namespace sipalg::nft {

/// The name of the registered helper.
inline constexpr std::string_view offload_helper_name = "sipalg";

/// The objects of our table that assign it, one for each transport. Each is for IPv4 and IPv6.
struct OffloadHelperObject {
    Transport transport;
    const char* name;
};
inline constexpr std::array<OffloadHelperObject, 2> offload_helper_objects{
    {{Transport::udp, "not_offloaded_udp"}, {Transport::tcp, "not_offloaded_tcp"}}};

enum class OffloadHelper : std::uint8_t {
    registered,
    possible,    ///< the kernel can register it
    unsupported  ///< no nfnetlink_cthelper, or no permission outside the first user namespace
};

/// Whether the helper is registered, for all families and transports. Registers nothing; the kernel may load
/// a module. Throws Error if the kernel does not answer.
OffloadHelper find_offload_helper(netlink::Channel& channel);
/// Registers the helper where it is not registered yet. False: unsupported. Throws Error.
bool register_offload_helper(netlink::Channel& channel);

}  // namespace sipalg::nft
