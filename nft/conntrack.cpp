#include "nft/conntrack.hpp"

#include <endian.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "nft/conntrack_settings.hpp"
#include "nft/link.hpp"
#include "nft/ruleset.hpp"

namespace sipalg::nft {

namespace {

constexpr std::size_t receive_size = 32 << 10;
constexpr std::size_t message_room = 256;
constexpr int large_buffer = 8 << 20;

nlmsghdr* put_header(char* at, std::uint16_t type, int flags, std::uint8_t family, std::uint32_t sequence) {
    nlmsghdr* header = mnl_nlmsg_put_header(at);
    header->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
    header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    header->nlmsg_seq = sequence;
    auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
    generic->nfgen_family = family;
    generic->version = NFNETLINK_V0;
    return header;
}

void put_tuple(nlmsghdr* message, const ConntrackTuple& flow) {
    const bool v4 = flow.source.address.is_v4();
    nlattr* tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
    nlattr* addresses = mnl_attr_nest_start(message, CTA_TUPLE_IP);
    mnl_attr_put(message, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, flow.source.address.size(),
                 flow.source.address.bytes().data());
    mnl_attr_put(message, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, flow.destination.address.size(),
                 flow.destination.address.bytes().data());
    mnl_attr_nest_end(message, addresses);
    nlattr* ports = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
    mnl_attr_put_u8(message, CTA_PROTO_NUM, static_cast<std::uint8_t>(flow.transport));
    mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(flow.source.port));
    mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(flow.destination.port));
    mnl_attr_nest_end(message, ports);
    mnl_attr_nest_end(message, tuple);
}

// Lets the kernel leave out what is not UDP; kernels before 5.8 don't, so get_tuple() looks as well.
void put_udp_filter(nlmsghdr* message) {
    constexpr std::uint32_t protocol_number = 1U << 3;  // the kernel's CTA_FILTER_F_CTA_PROTO_NUM
    nlattr* tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
    nlattr* protocol = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
    mnl_attr_put_u8(message, CTA_PROTO_NUM, IPPROTO_UDP);
    mnl_attr_nest_end(message, protocol);
    mnl_attr_nest_end(message, tuple);
    nlattr* filter = mnl_attr_nest_start(message, CTA_FILTER);
    mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS, protocol_number);
    mnl_attr_put_u32(message, CTA_FILTER_REPLY_FLAGS, 0);
    mnl_attr_nest_end(message, filter);
}

// Attributes by their types, up to CTA_MAX, which is above every type used here.
using Attributes = std::array<const nlattr*, CTA_MAX + 1>;

int keep(const nlattr* attribute, void* table) {
    const std::uint16_t type = mnl_attr_get_type(attribute);
    if (type <= CTA_MAX) (*static_cast<Attributes*>(table))[type] = attribute;
    return MNL_CB_OK;
}

Attributes nested(const nlattr* nest) {
    Attributes table{};
    if (nest != nullptr) mnl_attr_parse_nested(nest, keep, &table);
    return table;
}

// The address of either family, by which of the two attributes is there.
bool get_address(const nlattr* v4, const nlattr* v6, Address& address) {
    if (v4 != nullptr && mnl_attr_get_payload_len(v4) == 4) {
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), mnl_attr_get_payload(v4), bytes.size());
        address = Address::v4(bytes);
        return true;
    }
    if (v6 == nullptr || mnl_attr_get_payload_len(v6) != 16) return false;
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), mnl_attr_get_payload(v6), bytes.size());
    address = Address::v6(bytes);
    return true;
}

// A UDP tuple; false for any other.
bool get_tuple(const nlattr* nest, Endpoint& source, Endpoint& destination) {
    const auto tuple = nested(nest);
    const auto addresses = nested(tuple[CTA_TUPLE_IP]);
    const auto ports = nested(tuple[CTA_TUPLE_PROTO]);
    if (ports[CTA_PROTO_NUM] == nullptr || mnl_attr_get_u8(ports[CTA_PROTO_NUM]) != IPPROTO_UDP ||
        ports[CTA_PROTO_SRC_PORT] == nullptr || ports[CTA_PROTO_DST_PORT] == nullptr ||
        !get_address(addresses[CTA_IP_V4_SRC], addresses[CTA_IP_V6_SRC], source.address) ||
        !get_address(addresses[CTA_IP_V4_DST], addresses[CTA_IP_V6_DST], destination.address))
        return false;
    source.port = ntohs(mnl_attr_get_u16(ports[CTA_PROTO_SRC_PORT]));
    destination.port = ntohs(mnl_attr_get_u16(ports[CTA_PROTO_DST_PORT]));
    return true;
}

// False: conntrack does not count, or has not for this entry (net.netfilter.nf_conntrack_acct).
bool get_packets(const nlattr* nest, std::uint64_t& packets) {
    const nlattr* count = nested(nest)[CTA_COUNTERS_PACKETS];
    packets = count != nullptr ? be64toh(mnl_attr_get_u64(count)) : 0;
    return count != nullptr;
}

// An offloaded flow's timeout and counters are not what its packets make of them.
bool get_flow(const nlmsghdr* message, const UdpTimeouts& timeouts, ConntrackEntry& flow) {
    Attributes table{};
    mnl_attr_parse(message, sizeof(nfgenmsg), keep, &table);
    flow.transport = Transport::udp;
    const auto number = [&](int type) {
        const nlattr* attribute = table[static_cast<std::size_t>(type)];
        return attribute != nullptr ? ntohl(mnl_attr_get_u32(attribute)) : 0;
    };
    const std::uint32_t status = number(CTA_STATUS);
    const bool offloaded = (status & IPS_OFFLOAD) != 0;
    flow.idle = offloaded ? Seconds{0} : timeouts.idle(status, Seconds{number(CTA_TIMEOUT)});
    flow.replied = (status & IPS_SEEN_REPLY) != 0;
    flow.counted = !offloaded && get_packets(table[CTA_COUNTERS_ORIG], flow.original_packets) &&
                   get_packets(table[CTA_COUNTERS_REPLY], flow.reply_packets);
    return get_tuple(table[CTA_TUPLE_ORIG], flow.original_source, flow.original_destination) &&
           get_tuple(table[CTA_TUPLE_REPLY], flow.reply_source, flow.reply_destination);
}

std::string words(const char* doing, int error) {
    return std::string(doing) + ": " + std::strerror(error);
}

}  // namespace

struct Conntrack::Impl {
    NetlinkSocket socket = open_netfilter_socket();
    std::uint32_t sequence = 1;
    std::vector<char> send;
    std::vector<char> receive = std::vector<char>(receive_size);

    /// Asks for `type` of each flow, in one system call; a flow without addresses is left out, but counted in
    /// sequence numbers. True: something was asked. Throws Error.
    bool ask(std::uint16_t type, std::span<const ConntrackTuple> flows, const char* doing);
    /// KernelTables the answers, which are there already, to `each`: sequence number and error, 0 for an
    /// entry.
    template <class Each>
    void answers(std::uint32_t first, const Each& each);
};

bool Conntrack::Impl::ask(std::uint16_t type, std::span<const ConntrackTuple> flows, const char* doing) {
    send.resize(flows.size() * message_room);
    std::size_t used = 0;
    for (const ConntrackTuple& flow : flows) {
        const std::uint32_t number = sequence++;
        // A request without a tuple would be about the whole table.
        if (!flow.source.address || flow.source.address.family() != flow.destination.address.family())
            continue;
        // Both directions of an entry are in the kernel's hash, so either finds it.
        nlmsghdr* message =
            put_header(send.data() + used, type, 0, flow.source.address.is_v4() ? AF_INET : AF_INET6, number);
        put_tuple(message, flow);
        used += MNL_ALIGN(message->nlmsg_len);
    }
    if (used > 0 && mnl_socket_sendto(socket.get(), send.data(), used) < 0) throw Error(words(doing, errno));
    return used > 0;
}

template <class Each>
void Conntrack::Impl::answers(std::uint32_t first, const Each& each) {
    for (;;) {
        const ssize_t received =
            recv(mnl_socket_get_fd(socket.get()), receive.data(), receive.size(), MSG_DONTWAIT);
        if (received < 0 && (errno == EINTR || errno == ENOBUFS)) continue;
        if (received <= 0) return;
        int left = static_cast<int>(received);
        for (auto* header = reinterpret_cast<const nlmsghdr*>(receive.data()); mnl_nlmsg_ok(header, left);
             header = mnl_nlmsg_next(header, &left)) {
            if (header->nlmsg_seq < first) continue;
            const bool failed = header->nlmsg_type == NLMSG_ERROR;
            each(header->nlmsg_seq,
                 failed ? -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header))->error : 0);
        }
    }
}

Conntrack::Conntrack() : impl_(std::make_unique<Impl>()) {
    const int descriptor = mnl_socket_get_fd(impl_->socket.get());
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &large_buffer, sizeof large_buffer);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &large_buffer, sizeof large_buffer);
}

Conntrack::~Conntrack() = default;

void Conntrack::erase(std::span<const ConntrackTuple> flows) {
    constexpr const char* doing = "deleting conntrack entries";
    const std::uint32_t first = impl_->sequence;
    if (!impl_->ask(IPCTNL_MSG_CT_DELETE, flows, doing)) return;
    // Only failures are answered. Of more than are kept, one is enough.
    int failure = 0;
    impl_->answers(first, [&](std::uint32_t, int error) {
        if (error != 0 && error != ENOENT) failure = error;
    });
    if (failure != 0) throw Error(words(doing, failure));
}

std::vector<bool> Conntrack::known(std::span<const ConntrackTuple> flows) {
    constexpr std::size_t at_once = 256;  // whose answers fit into the socket's buffer
    std::vector<bool> known(flows.size(), true);
    for (std::size_t begin = 0; begin < flows.size(); begin += at_once) {
        const std::uint32_t first = impl_->sequence;
        const auto part = flows.subspan(begin, std::min(at_once, flows.size() - begin));
        if (!impl_->ask(IPCTNL_MSG_CT_GET, part, "looking for conntrack entries")) continue;
        impl_->answers(first, [&](std::uint32_t number, int error) {
            if (error == ENOENT && number - first < part.size()) known[begin + number - first] = false;
        });
    }
    return known;
}

ConntrackDump::ConntrackDump() : socket_(open_netfilter_socket()), receive_(receive_size) {
    // The kernel answers while it is asked for more: a second is long for it.
    const timeval patience{1, 0};
    setsockopt(mnl_socket_get_fd(socket_.get()), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

ConntrackDump::~ConntrackDump() = default;

void ConntrackDump::read(const std::function<void(const ConntrackEntry&)>& entry, bool with_ipv6) {
    for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
        if (family == AF_INET6 && !with_ipv6) break;
        for (int attempt = 0; !read_once(entry, family); ++attempt)
            if (attempt == 3) throw Error(words("reading conntrack entries", EBUSY));
    }
}

bool ConntrackDump::read_once(const std::function<void(const ConntrackEntry&)>& entry, std::uint8_t family) {
    alignas(nlmsghdr) char request[message_room];
    const std::uint32_t sequence = sequence_++;
    nlmsghdr* message = put_header(request, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family, sequence);
    put_udp_filter(message);
    const UdpTimeouts timeouts = read_udp_timeouts();
    if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0)
        throw Error(words("asking for conntrack entries", errno));
    ConntrackEntry flow;
    for (;;) {
        const ssize_t received = recv(mnl_socket_get_fd(socket_.get()), receive_.data(), receive_.size(), 0);
        if (received < 0 && (errno == EINTR || errno == ENOBUFS)) continue;
        if (received < 0) throw Error(words("reading conntrack entries", errno));
        int left = static_cast<int>(received);
        for (auto* header = reinterpret_cast<const nlmsghdr*>(receive_.data()); mnl_nlmsg_ok(header, left);
             header = mnl_nlmsg_next(header, &left)) {
            if (header->nlmsg_seq != sequence) continue;
            if (header->nlmsg_type == NLMSG_DONE) return true;
            if (header->nlmsg_type == NLMSG_ERROR) {
                const int error = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header))->error;
                if (error == EBUSY || error == EAGAIN) return false;
                throw Error(words("reading conntrack entries", error));
            }
            if (get_flow(header, timeouts, flow)) entry(flow);
        }
    }
}

}  // namespace sipalg::nft
