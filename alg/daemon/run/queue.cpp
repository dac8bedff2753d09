#include "alg/daemon/run/queue.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "alg/sys/queue_table.hpp"
#include "nft/settings.hpp"

namespace sipalg::daemon {

namespace {

constexpr std::size_t batch_size = 16;             // packets in one read; more would delay the first verdict
constexpr std::size_t batches_in_a_row = 4;        // after that timers and other sockets are handled
constexpr std::size_t buffer_size = 65536 + 4096;  // the longest packet and the attributes beside it
constexpr int receive_buffer = 8 << 20;
// Room for twice the bytes of one send(); the kernel refuses a longer one with EMSGSIZE.
constexpr int send_buffer = 2 * VerdictBuffer::most_outgoing;
constexpr std::uint32_t queue_length = 4096;
constexpr std::chrono::seconds bind_patience{5};

std::uint16_t message_type(unsigned type) {
    return static_cast<std::uint16_t>(NFNL_SUBSYS_QUEUE << 8 | type);
}

// The kernel answers EPERM to a process without the privilege, and also if the queue belongs to another
// process.
bool taken(std::uint16_t number) {
    std::ifstream table(queue_table_path);
    for (const QueueRow& row : read_queue_table(table))
        if (row.number == number) return true;
    return false;
}

[[noreturn]] void refuse(std::uint16_t number, int error) {
    const std::string queue = "queue " + std::to_string(number);
    if (error == EBUSY || (error == EPERM && taken(number)))
        throw nft::Error(queue + " is taken by another program; choose another number with --queue");
    if (error == EPERM) throw nft::Error(queue + ": not permitted; run as root or with CAP_NET_ADMIN");
    throw nft::Error(queue + ": " + std::strerror(error) +
                     "; the kernel needs nfnetlink_queue (modprobe nfnetlink_queue)");
}

// A full receive buffer drops packets, or passes them (WhenFull), but must not make reads fail.
Fd open_socket(std::uint16_t number) {
    try {
        return netlink::open_socket({.protocol = NETLINK_NETFILTER,
                                     .send_buffer = send_buffer,
                                     .receive_buffer = receive_buffer,
                                     .overruns = false});
    } catch (const std::system_error& error) {
        refuse(number, error.code().value());
    }
}

// X7: the link-local address that an interface with this hardware address would have (RFC 4291, Appendix A).
// No phone has it, because packets from link-local sources are not queued (X12).
Address neighbour(const nlattr* attribute) {
    if (mnl_attr_get_payload_len(attribute) < sizeof(nfqnl_msg_packet_hw)) return {};
    const auto* hardware = static_cast<const nfqnl_msg_packet_hw*>(mnl_attr_get_payload(attribute));
    const std::size_t length = ntohs(hardware->hw_addrlen);
    if (length != 6) return {};
    const std::uint8_t* mac = hardware->hw_addr;
    return Address::v6({0xFE, 0x80, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(mac[0] ^ 2), mac[1], mac[2],
                        0xFF, 0xFE, mac[3], mac[4], mac[5]});
}

}  // namespace

Verdict::~Verdict() {
    if (!given_) queue_.verdicts_.put(id_, NF_ACCEPT, {}, mark_);
}

void Verdict::replace(Bytes packet) {
    if (given_ || packet.empty() || packet.size() > Queue::longest_packet) return;
    given_ = true;
    queue_.verdicts_.put(id_, NF_ACCEPT, packet, mark_);
}

void Verdict::drop() {
    if (given_) return;
    given_ = true;
    queue_.verdicts_.put(id_, NF_DROP, {});
}

struct Queue::Batch {
    alignas(nlmsghdr) std::array<std::array<std::uint8_t, buffer_size>, batch_size> buffers;
    std::array<iovec, batch_size> parts{};
    std::array<mmsghdr, batch_size> messages{};

    Batch() {
        for (std::size_t i = 0; i < batch_size; ++i) {
            parts[i] = {buffers[i].data(), buffers[i].size()};
            messages[i].msg_hdr.msg_iov = &parts[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
    }
};

Queue::Queue(std::uint16_t number, WhenFull when_full)
    : number_(number),
      channel_(open_socket(number)),
      // Not value-initialised, so that the pages of this megabyte are only allocated when packets need them.
      batch_(new Batch),
      verdicts_(number, [this](const void* bytes, std::size_t size) {
          return channel_.send({static_cast<const char*>(bytes), size});
      }) {
    bind(when_full);
}

Queue::~Queue() = default;

// One message configures everything, so that no packet can meet a half-configured queue: rules of a killed
// daemon send packets as soon as the queue exists, even before the acknowledgement.
void Queue::bind(WhenFull when_full) {
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* message = nfq_nlmsg_put(buffer.data(), NFQNL_MSG_CONFIG, number_);
    nfq_nlmsg_cfg_put_cmd(message, AF_INET, NFQNL_CFG_CMD_BIND);
    nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, 0xFFFF);
    nfq_nlmsg_cfg_put_qmaxlen(message, queue_length);
    mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(when_full == WhenFull::pass ? NFQA_CFG_F_FAIL_OPEN : 0));
    mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN));
    netlink::Conversation talk(channel_, bind_patience, buffer_size);
    const auto error = talk.ask(message, {}, [this](const nlmsghdr* other) { take_message(other, {}); });
    if (error) refuse(number_, error.value());
    verdicts_.flush();
}

void Queue::receive(const Handler& handler, const std::function<void()>& end_of_read) {
    for (std::size_t i = 0; i < batches_in_a_row; ++i)
        if (read_batch(handler, end_of_read) < batch_size) return;
}

// Kept verdicts are sent with those of the next packets, or without packets after the pause.
std::optional<Time> Queue::advance(Time now) {
    const bool wait = verdicts_.has_kept() && retry_at_ && now < *retry_at_;
    if (!wait) {
        retry_at_.reset();
        if (!verdicts_.flush()) retry_at_ = now + VerdictBuffer::pause;
    }
    return retry_at_;
}

void Queue::drain() {
    while (read_batch({}) > 0) {
    }
    verdicts_.flush();
}

std::size_t Queue::read_batch(const Handler& handler, const std::function<void()>& end_of_read) {
    const int count =
        recvmmsg(channel_.descriptor(), batch_->messages.data(), batch_size, MSG_DONTWAIT, nullptr);
    if (count < 0) {
        if (errno == ENOBUFS) ++lost_reads_;
        return 0;
    }
    const auto begun = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        auto* message = reinterpret_cast<nlmsghdr*>(batch_->buffers[i].data());
        int left = static_cast<int>(batch_->messages[i].msg_len);
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
            take_message(message, handler);
    }
    if (end_of_read) end_of_read();
    verdicts_.flush();
    if (count > 0) latency_.note(std::chrono::steady_clock::now() - begun, static_cast<std::uint64_t>(count));
    return static_cast<std::size_t>(count);
}

void Queue::take_message(const nlmsghdr* message, const Handler& handler) {
    if (message->nlmsg_type == NLMSG_ERROR) {
        ++refused_verdicts_;
        return;
    }
    if (message->nlmsg_type != message_type(NFQNL_MSG_PACKET)) return;
    std::array<nlattr*, NFQA_MAX + 1> attributes{};
    if (nfq_nlmsg_parse(message, attributes.data()) < 0 || attributes[NFQA_PACKET_HDR] == nullptr) return;
    const auto* header =
        static_cast<const nfqnl_msg_packet_hdr*>(mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]));
    const auto interface = [&](int type) {
        return attributes[static_cast<std::size_t>(type)] == nullptr
                   ? 0U
                   : ntohl(mnl_attr_get_u32(attributes[static_cast<std::size_t>(type)]));
    };
    QueuedPacket packet;
    packet.in_interface = interface(NFQA_IFINDEX_INDEV);
    packet.out_interface = interface(NFQA_IFINDEX_OUTDEV);
    packet.whole = attributes[NFQA_CAP_LEN] == nullptr;
    if (const nlattr* payload = attributes[NFQA_PAYLOAD])
        packet.bytes = {static_cast<const std::uint8_t*>(mnl_attr_get_payload(payload)),
                        mnl_attr_get_payload_len(payload)};
    if (const nlattr* hardware = attributes[NFQA_HWADDR]) packet.neighbour = neighbour(hardware);
    packet.from = header->hook == NF_INET_PRE_ROUTING ? Side::inside : Side::outside;
    // The kernel only reports NOTVERIFIED up to the forward hook; after it, a missing flag has no meaning.
    const std::uint32_t info =
        attributes[NFQA_SKB_INFO] == nullptr ? 0 : ntohl(mnl_attr_get_u32(attributes[NFQA_SKB_INFO]));
    const bool verified = packet.from == Side::inside && (info & NFQA_SKB_CSUM_NOTVERIFIED) == 0;
    packet.checksum_unverified = !verified && (info & NFQA_SKB_CSUMNOTREADY) == 0;
    // X11: the mark that rules of the chains `inward` and `inward_shifted` have set.
    const std::uint32_t mark =
        attributes[NFQA_MARK] == nullptr ? 0 : ntohl(mnl_attr_get_u32(attributes[NFQA_MARK]));
    packet.established = packet.from == Side::outside && (mark & nft::established_mark) != 0;
    Verdict verdict(*this, ntohl(header->packet_id),
                    packet.established ? std::optional(mark & ~nft::established_mark) : std::nullopt);
    if (handler) handler(packet, verdict);
}

}  // namespace sipalg::daemon
