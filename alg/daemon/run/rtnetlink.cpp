#include "alg/daemon/run/rtnetlink.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "alg/sys/attributes.hpp"

namespace sipalg::daemon {

namespace {

using netlink::Attributes;

std::unique_ptr<netlink::Channel> open_channel(unsigned groups) {
    return std::make_unique<netlink::Channel>(
        netlink::ChannelOptions{.protocol = NETLINK_ROUTE, .groups = groups});
}

// The newer groups have no RTMGRP_… of their own.
constexpr unsigned group(unsigned number) {
    return 1U << (number - 1);
}

Address read_address(const nlattr* attribute, unsigned char family) {
    const auto* data = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
    const std::size_t size = mnl_attr_get_payload_len(attribute);
    if (family == AF_INET && size >= 4) {
        std::array<std::uint8_t, 4> bytes{};
        std::copy_n(data, 4, bytes.begin());
        return Address::v4(bytes);
    }
    if (family == AF_INET6 && size >= 16) {
        std::array<std::uint8_t, 16> bytes{};
        std::copy_n(data, 16, bytes.begin());
        return Address::v6(bytes);
    }
    return {};
}

bool is_vrf_slave(const nlattr* link_info) {
    bool found = false;
    mnl_attr_parse_nested(
        link_info,
        [](const nlattr* attribute, void* data) {
            if (mnl_attr_get_type(attribute) == IFLA_INFO_SLAVE_KIND && netlink::text_of(attribute) == "vrf")
                *static_cast<bool*>(data) = true;
            return MNL_CB_OK;
        },
        &found);
    return found;
}

void add_link(const nlmsghdr* message, Interfaces& interfaces) {
    const auto* link = netlink::header_of<ifinfomsg>(message);
    if (link == nullptr) return;
    Interface interface;
    interface.index = static_cast<unsigned>(link->ifi_index);
    interface.loopback = (link->ifi_flags & IFF_LOOPBACK) != 0;
    for (const nlattr* attribute : Attributes(message, sizeof *link)) {
        if (mnl_attr_get_type(attribute) == IFLA_IFNAME) interface.name = netlink::text_of(attribute);
        if (mnl_attr_get_type(attribute) == IFLA_LINKINFO) interface.in_vrf = is_vrf_slave(attribute);
    }
    interfaces.all.push_back(std::move(interface));
}

void add_address(const nlmsghdr* message, Interfaces& interfaces) {
    const auto* header = netlink::header_of<ifaddrmsg>(message);
    if (header == nullptr) return;
    Address address, local, broadcast;
    for (const nlattr* attribute : Attributes(message, sizeof *header)) {
        switch (mnl_attr_get_type(attribute)) {
            case IFA_ADDRESS: address = read_address(attribute, header->ifa_family); break;
            case IFA_LOCAL: local = read_address(attribute, header->ifa_family); break;
            case IFA_BROADCAST: broadcast = read_address(attribute, header->ifa_family); break;
            default: break;
        }
    }
    // On a point-to-point link IFA_ADDRESS is the other end.
    const Address own = local ? local : address;
    if (!own) return;
    if (!broadcast && own.is_v4() && address == own && header->ifa_prefixlen <= 30)
        broadcast = Address::v4(own.v4_value() | (0xFFFFFFFFu >> header->ifa_prefixlen));
    for (Interface& interface : interfaces.all)
        if (interface.index == header->ifa_index)
            interface.addresses.push_back({own, broadcast, (header->ifa_flags & IFA_F_SECONDARY) != 0,
                                           header->ifa_scope == RT_SCOPE_UNIVERSE});
}

bool default_route(const nlmsghdr* message) {
    const auto* route = netlink::header_of<rtmsg>(message);
    return route != nullptr && route->rtm_dst_len == 0 && route->rtm_type == RTN_UNICAST &&
           route->rtm_table != RT_TABLE_LOCAL && (route->rtm_flags & RTM_F_CLONED) == 0;
}

/// An interface of a default route; sorts the best one first: IPv4 before IPv6, then by metric.
using Ranked = std::tuple<unsigned char, std::uint32_t, unsigned>;

void add_default_route(const nlmsghdr* message, std::vector<Ranked>& found) {
    if (!default_route(message)) return;
    const auto* route = netlink::header_of<rtmsg>(message);
    std::uint32_t metric = 0;
    std::vector<unsigned> indices;
    for (const nlattr* attribute : Attributes(message, sizeof *route)) {
        switch (mnl_attr_get_type(attribute)) {
            case RTA_PRIORITY: metric = netlink::number_of<std::uint32_t>(attribute); break;
            case RTA_OIF: indices.push_back(netlink::number_of<std::uint32_t>(attribute)); break;
            case RTA_MULTIPATH: {
                const auto* hop = static_cast<const rtnexthop*>(mnl_attr_get_payload(attribute));
                std::size_t left = mnl_attr_get_payload_len(attribute);
                while (left >= sizeof *hop && hop->rtnh_len >= sizeof *hop && hop->rtnh_len <= left) {
                    indices.push_back(static_cast<unsigned>(hop->rtnh_ifindex));
                    const std::size_t step = std::min<std::size_t>(RTNH_ALIGN(hop->rtnh_len), left);
                    hop = reinterpret_cast<const rtnexthop*>(reinterpret_cast<const char*>(hop) + step);
                    left -= step;
                }
                break;
            }
            default: break;
        }
    }
    for (const unsigned index : indices)
        found.emplace_back(route->rtm_family, metric, index);
}

bool depends_on_mark(const nlmsghdr* message) {
    bool any = false;
    for (const nlattr* attribute : Attributes(message, sizeof(fib_rule_hdr)))
        any = any || mnl_attr_get_type(attribute) == FRA_FWMARK;
    return any;
}

}  // namespace

Rtnetlink::Rtnetlink()
    : Rtnetlink(open_channel(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                             RTMGRP_IPV6_ROUTE | group(RTNLGRP_IPV4_RULE) | group(RTNLGRP_IPV6_RULE)),
                open_channel(0)) {}

Rtnetlink::Rtnetlink(std::unique_ptr<netlink::Channel> events, std::unique_ptr<netlink::Channel> questions)
    : events_(std::move(events)), questions_(std::move(questions)), talk_(*questions_) {}

void Rtnetlink::dump(std::uint16_t type, unsigned char family, const netlink::Conversation::Each& each) {
    alignas(nlmsghdr) std::array<char, 64> bytes{};
    nlmsghdr* request = mnl_nlmsg_put_header(bytes.data());
    request->nlmsg_type = type;
    // The longest of the three headers; the rest of a shorter one is zero.
    static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)))->ifi_family = family;
    if (const auto error = talk_.dump(request, each)) throw std::system_error(error, "rtnetlink");
}

Interfaces Rtnetlink::read() {
    Interfaces interfaces;
    dump(RTM_GETLINK, AF_UNSPEC, [&](const nlmsghdr* message) { add_link(message, interfaces); });
    dump(RTM_GETADDR, AF_UNSPEC, [&](const nlmsghdr* message) { add_address(message, interfaces); });
    std::vector<Ranked> routes;
    for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}})
        dump(RTM_GETROUTE, family, [&](const nlmsghdr* message) { add_default_route(message, routes); });
    dump(RTM_GETRULE, AF_INET, [&](const nlmsghdr* message) {
        interfaces.marks_decide = interfaces.marks_decide || depends_on_mark(message);
    });
    std::stable_sort(routes.begin(), routes.end());
    for (const auto& [family, metric, index] : routes)
        interfaces.default_routes.push_back(index);
    return interfaces;
}

std::optional<unsigned> Rtnetlink::route(const RouteQuery& query) {
    if (!query.peer || (query.phone && query.phone.family() != query.peer.family())) return std::nullopt;
    alignas(nlmsghdr) std::array<char, 256> bytes{};
    nlmsghdr* request = mnl_nlmsg_put_header(bytes.data());
    request->nlmsg_type = RTM_GETROUTE;
    auto* header = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(rtmsg)));
    const auto put = [&](std::uint16_t type, const Address& address) {
        mnl_attr_put(request, type, address.size(), address.bytes().data());
        return static_cast<unsigned char>(8 * address.size());
    };
    header->rtm_family = query.peer.is_v4() ? AF_INET : AF_INET6;
    header->rtm_dst_len = put(RTA_DST, query.peer);
    if (query.phone) header->rtm_src_len = put(RTA_SRC, query.phone);
    if (query.transport) {
        mnl_attr_put_u8(request, RTA_IP_PROTO, static_cast<std::uint8_t>(*query.transport));
        mnl_attr_put_u16(request, RTA_SPORT, htons(query.phone_port));
        mnl_attr_put_u16(request, RTA_DPORT, htons(query.peer_port));
    }
    if (query.in_interface != 0) mnl_attr_put_u32(request, RTA_IIF, query.in_interface);
    std::optional<unsigned> interface;
    const auto error = talk_.ask(request, [&](const nlmsghdr* answer) {
        if (answer->nlmsg_type != RTM_NEWROUTE) return;
        for (const nlattr* attribute : Attributes(answer, sizeof(rtmsg)))
            if (mnl_attr_get_type(attribute) == RTA_OIF)
                interface = netlink::number_of<std::uint32_t>(attribute);
    });
    if (error) return std::nullopt;
    return interface;
}

Rtnetlink::Changes Rtnetlink::changes() {
    Changes changes;
    alignas(nlmsghdr) std::array<char, 65536> buffer;
    for (;;) {
        const ssize_t received = events_->receive(buffer);
        // Notifications were lost, so anything may have changed.
        if (received < 0 && errno == ENOBUFS) changes = {true, true};
        if (received < 0 && errno == ENOBUFS) continue;
        if (received < 0) return changes;
        const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
        int left = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(received), buffer.size()));
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            changes.routes = true;
            const std::uint16_t type = message->nlmsg_type;
            const bool route = type == RTM_NEWROUTE || type == RTM_DELROUTE;
            changes.interfaces = changes.interfaces || !route || default_route(message);
        }
    }
}

}  // namespace sipalg::daemon
