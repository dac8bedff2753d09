#include "nft/conntrack.hpp"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "alg/sys/attributes.hpp"
#include "nft/conntrack_settings.hpp"
#include "nft/link.hpp"
#include "nft/settings.hpp"

namespace sipalg::nft {

namespace {

constexpr std::size_t message_room = 256;
constexpr int large_buffer = 8 << 20;

// The number of further attempts while the kernel resizes its table.
constexpr int dump_attempts = 4;

nlmsghdr* put_header(char* at, std::uint16_t type, std::uint8_t family) {
    nlmsghdr* header = mnl_nlmsg_put_header(at);
    header->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
    header->nlmsg_flags = NLM_F_REQUEST;
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

// Makes the kernel leave out entries that are not UDP. Kernels before 5.8 ignore it, so read() checks
// too.
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
using AttributeTable = std::array<const nlattr*, CTA_MAX + 1>;

int keep(const nlattr* attribute, void* table) {
    const std::uint16_t type = mnl_attr_get_type(attribute);
    if (type <= CTA_MAX) (*static_cast<AttributeTable*>(table))[type] = attribute;
    return MNL_CB_OK;
}

AttributeTable nested(const nlattr* nest) {
    AttributeTable table{};
    if (nest != nullptr) mnl_attr_parse_nested(nest, keep, &table);
    return table;
}

// The address, of the family whose attribute is present.
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

// A tuple of UDP or TCP; false for any other.
bool get_tuple(const nlattr* nest, Transport& transport, Endpoint& source, Endpoint& destination) {
    const auto tuple = nested(nest);
    const auto addresses = nested(tuple[CTA_TUPLE_IP]);
    const auto ports = nested(tuple[CTA_TUPLE_PROTO]);
    const int number = netlink::number_of<std::uint8_t>(ports[CTA_PROTO_NUM]);
    if ((number != IPPROTO_UDP && number != IPPROTO_TCP) || ports[CTA_PROTO_SRC_PORT] == nullptr ||
        ports[CTA_PROTO_DST_PORT] == nullptr ||
        !get_address(addresses[CTA_IP_V4_SRC], addresses[CTA_IP_V6_SRC], source.address) ||
        !get_address(addresses[CTA_IP_V4_DST], addresses[CTA_IP_V6_DST], destination.address) ||
        source.address.family() != destination.address.family())
        return false;
    transport = number == IPPROTO_UDP ? Transport::udp : Transport::tcp;
    source.port = ntohs(netlink::number_of<std::uint16_t>(ports[CTA_PROTO_SRC_PORT]));
    destination.port = ntohs(netlink::number_of<std::uint16_t>(ports[CTA_PROTO_DST_PORT]));
    return true;
}

// False: this entry has no counters (net.netfilter.nf_conntrack_acct was off when it was made).
bool get_packets(const nlattr* nest, std::uint64_t& packets) {
    const nlattr* count = nested(nest)[CTA_COUNTERS_PACKETS];
    packets = be64toh(netlink::number_of<std::uint64_t>(count));
    return count != nullptr;
}

std::uint64_t get_bytes(const nlattr* nest) {
    const nlattr* count = nested(nest)[CTA_COUNTERS_BYTES];
    return be64toh(netlink::number_of<std::uint64_t>(count));
}

// The flow may be the entry's original or its reply direction.
std::optional<FlowCount> get_counts(const nlmsghdr* message, const ConntrackTuple& flow) {
    AttributeTable table{};
    mnl_attr_parse(message, sizeof(nfgenmsg), keep, &table);
    const nlattr *original = table[CTA_COUNTERS_ORIG], *reply = table[CTA_COUNTERS_REPLY];
    FlowCount count;
    ConntrackTuple first;
    if (!get_packets(original, count.packets) || !get_packets(reply, count.reply_packets) ||
        !get_tuple(table[CTA_TUPLE_ORIG], first.transport, first.source, first.destination))
        return std::nullopt;
    count.bytes = get_bytes(original);
    count.reply_bytes = get_bytes(reply);
    if (first != flow) {
        std::swap(count.packets, count.reply_packets);
        std::swap(count.bytes, count.reply_bytes);
    }
    return count;
}

// The timeout and counters of an offloaded flow do not follow its packets.
bool get_flow(const nlmsghdr* message, const UdpTimeouts& timeouts, ConntrackEntry& flow) {
    AttributeTable table{};
    mnl_attr_parse(message, sizeof(nfgenmsg), keep, &table);
    const auto number = [&](int type) {
        return ntohl(netlink::number_of<std::uint32_t>(table[static_cast<std::size_t>(type)]));
    };
    const std::uint32_t status = number(CTA_STATUS);
    flow.offloaded = (status & IPS_OFFLOAD) != 0;
    flow.has_helper = table[CTA_HELP] != nullptr;
    flow.idle = flow.offloaded ? Seconds{0} : timeouts.idle(status, Seconds{number(CTA_TIMEOUT)});
    flow.replied = (status & IPS_SEEN_REPLY) != 0;
    flow.counted = !flow.offloaded && get_packets(table[CTA_COUNTERS_ORIG], flow.original_packets) &&
                   get_packets(table[CTA_COUNTERS_REPLY], flow.reply_packets);
    return get_tuple(table[CTA_TUPLE_ORIG], flow.transport, flow.original_source,
                     flow.original_destination) &&
           get_tuple(table[CTA_TUPLE_REPLY], flow.transport, flow.reply_source, flow.reply_destination);
}

Error failure(const char* action, std::error_code error) {
    return Error(std::string(action) + ": " + error.message());
}

}  // namespace

// Most entries to be deleted do not exist, and reading the kernel's answer about a missing entry costs more
// than the deletion. Without the filter these answers are read and ignored.
void leave_out_missing(int descriptor) {
    constexpr std::uint16_t deletion = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
    constexpr std::uint32_t error = MNL_NLMSG_HDRLEN + offsetof(nlmsgerr, error);
    constexpr std::uint32_t request =
        MNL_NLMSG_HDRLEN + offsetof(nlmsgerr, msg) + offsetof(nlmsghdr, nlmsg_type);
    std::array<sock_filter, 8> program{{
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(NLMSG_ERROR), 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, error),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(static_cast<std::uint32_t>(-ENOENT)), 0, 2),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, request),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(deletion), 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
    static_cast<void>(netlink::attach_filter(descriptor, program));
}

Conntrack::Conntrack() : Conntrack(open_netfilter(large_buffer, large_buffer)) {
    leave_out_missing(channel_->descriptor());
}

Conntrack::Conntrack(std::unique_ptr<netlink::Channel> channel)
    : channel_(std::move(channel)), talk_(*channel_) {}

// One request for each flow, in one system call. A flow without addresses has a number but no request.
Conntrack::Asked Conntrack::ask(std::uint16_t type, std::span<const ConntrackTuple> flows,
                                const char* action) {
    const std::uint32_t first = talk_.reserve(static_cast<std::uint32_t>(flows.size()));
    requests_.resize(flows.size() * message_room);
    std::size_t used = 0;
    for (std::size_t i = 0; i < flows.size(); ++i) {
        const ConntrackTuple& flow = flows[i];
        // A request without a tuple would affect the whole table.
        if (!flow.source.address || flow.source.address.family() != flow.destination.address.family())
            continue;
        // Both directions of an entry are in the kernel's hash, so either finds it.
        nlmsghdr* message =
            put_header(requests_.data() + used, type, flow.source.address.is_v4() ? AF_INET : AF_INET6);
        message->nlmsg_seq = first + static_cast<std::uint32_t>(i);
        put_tuple(message, flow);
        used += MNL_ALIGN(message->nlmsg_len);
    }
    if (used > 0)
        if (const auto error = talk_.send(std::span<const char>(requests_).first(used)))
            throw failure(action, error);
    return {first, used > 0};
}

void Conntrack::erase(std::span<const ConntrackTuple> flows) {
    constexpr const char* action = "deleting conntrack entries";
    const Asked asked = ask(IPCTNL_MSG_CT_DELETE, flows, action);
    if (!asked.any) return;
    // The kernel only answers failures; if there are several, one is reported.
    int failed = 0;
    talk_.answers(asked.first, asked.first + static_cast<std::uint32_t>(flows.size() - 1),
                  [&](const nlmsghdr* answer) {
                      const int error = answer->nlmsg_type == NLMSG_ERROR ? netlink::error_of(answer) : 0;
                      if (error != 0 && error != ENOENT) failed = error;
                      return true;
                  });
    if (failed != 0) throw failure(action, netlink::code_of(failed));
}

void Conntrack::look_up(std::span<const ConntrackTuple> flows,
                        const std::function<void(std::size_t flow, const nlmsghdr* answer)>& take) {
    constexpr std::size_t at_once = 256;  // their answers fit into the socket's buffer
    for (std::size_t begin = 0; begin < flows.size(); begin += at_once) {
        const auto part = flows.subspan(begin, std::min(at_once, flows.size() - begin));
        const Asked asked = ask(IPCTNL_MSG_CT_GET, part, "looking for conntrack entries");
        if (!asked.any) continue;
        talk_.answers(asked.first, asked.first + static_cast<std::uint32_t>(part.size() - 1),
                      [&](const nlmsghdr* answer) {
                          take(begin + answer->nlmsg_seq - asked.first, answer);
                          return true;
                      });
    }
}

std::vector<bool> Conntrack::known(std::span<const ConntrackTuple> flows) {
    std::vector<bool> known(flows.size(), true);
    look_up(flows, [&](std::size_t flow, const nlmsghdr* answer) {
        if (answer->nlmsg_type == NLMSG_ERROR && netlink::error_of(answer) == ENOENT) known[flow] = false;
    });
    return known;
}

std::optional<Address> Conntrack::public_address(const ConntrackTuple& flow) {
    std::optional<Address> address;
    look_up({&flow, 1}, [&](std::size_t, const nlmsghdr* answer) {
        ConntrackEntry entry;
        if (answer->nlmsg_type == NLMSG_ERROR || !get_flow(answer, UdpTimeouts{}, entry)) return;
        if (entry.original_source == flow.source)
            address = entry.reply_destination.address;
        else if (entry.reply_source == flow.source)
            address = entry.original_destination.address;
    });
    return address;
}

std::vector<std::optional<FlowCount>> Conntrack::counts(std::span<const ConntrackTuple> flows) {
    std::vector<std::optional<FlowCount>> counts(flows.size());
    look_up(flows, [&](std::size_t flow, const nlmsghdr* answer) {
        if (answer->nlmsg_type != NLMSG_ERROR) counts[flow] = get_counts(answer, flows[flow]);
    });
    return counts;
}

void Conntrack::read(std::span<const ConntrackTuple> flows,
                     const std::function<void(const ConntrackEntry&)>& entry) {
    const UdpTimeouts timeouts = read_udp_timeouts();
    ConntrackEntry found;
    look_up(flows, [&](std::size_t, const nlmsghdr* answer) {
        if (answer->nlmsg_type != NLMSG_ERROR && get_flow(answer, timeouts, found)) entry(found);
    });
}

ConntrackDump::ConntrackDump() : ConntrackDump(open_netfilter()) {}

ConntrackDump::ConntrackDump(std::unique_ptr<netlink::Channel> channel)
    : channel_(std::move(channel)), talk_(*channel_) {}

void ConntrackDump::read(const std::function<void(const ConntrackEntry&)>& entry, bool with_ipv6,
                         bool with_tcp) {
    const UdpTimeouts timeouts = read_udp_timeouts();
    ConntrackEntry flow;
    const auto take = [&](const nlmsghdr* message) {
        if (get_flow(message, timeouts, flow) && (with_tcp || flow.transport == Transport::udp)) entry(flow);
    };
    for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
        if (family == AF_INET6 && !with_ipv6) break;
        std::error_code error = netlink::code_of(EBUSY);
        const auto busy = [&] {
            return error.value() == EBUSY || error.value() == EAGAIN || error.value() == EINTR;
        };
        for (int attempt = 0; busy() && attempt < dump_attempts; ++attempt) {
            alignas(nlmsghdr) std::array<char, message_room> request{};
            nlmsghdr* message = put_header(request.data(), IPCTNL_MSG_CT_GET, family);
            if (!with_tcp) put_udp_filter(message);
            error = talk_.stream(message, take);
        }
        if (error) throw failure("reading conntrack entries", error);
    }
}

}  // namespace sipalg::nft
