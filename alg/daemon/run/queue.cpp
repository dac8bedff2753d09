#include "alg/daemon/run/queue.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "nft/ruleset.hpp"

namespace sipalg::daemon {

namespace {

constexpr std::size_t batch_size = 16;       // packets in one read: more only delay the first one's verdict
constexpr std::size_t batches_in_a_row = 4;  // then timers and other sockets get their turn
constexpr std::size_t buffer_size = 65536 + 4096;  // the longest packet and the attributes beside it
constexpr int receive_buffer = 8 << 20;
constexpr std::uint32_t queue_length = 4096;
constexpr std::size_t most_outgoing = 131072;  // the kernel takes no more at once than the send buffer

std::uint16_t message_type(unsigned type) {
    return static_cast<std::uint16_t>(NFNL_SUBSYS_QUEUE << 8 | type);
}

// The kernel answers EPERM both to a process without rights and to one whose queue belongs to another.
bool taken(std::uint16_t number) {
    std::ifstream table("/proc/net/netfilter/nfnetlink_queue");
    for (unsigned row = 0; table >> row; table.ignore(1024, '\n'))
        if (row == number) return true;
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

}  // namespace

Verdict::~Verdict() {
    if (!given_) queue_.put_verdict(id_, NF_ACCEPT, {});
}

void Verdict::replace(Bytes packet) {
    if (given_ || packet.empty() || packet.size() > Queue::longest_packet) return;
    given_ = true;
    queue_.put_verdict(id_, NF_ACCEPT, packet);
}

void Verdict::drop() {
    if (given_) return;
    given_ = true;
    queue_.put_verdict(id_, NF_DROP, {});
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
      socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER)),
      // Not value-initialised: a megabyte that is written page by page as packets need it.
      batch_(new Batch) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    if (!socket_ || ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        refuse(number, errno);
    // A full buffer drops packets, or passes them (WhenFull), but must not make reads fail.
    const int on = 1;
    setsockopt(socket_.get(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
    if (setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) != 0)
        setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    outgoing_.reserve(16384);
    bind(when_full);
}

Queue::~Queue() = default;

// One message does it all, so that no packet can meet a half-configured queue: rules that a killed daemon
// left behind send packets the moment the queue exists.
void Queue::bind(WhenFull when_full) {
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* message = nfq_nlmsg_put(buffer.data(), NFQNL_MSG_CONFIG, number_);
    message->nlmsg_flags |= NLM_F_ACK;
    message->nlmsg_seq = 1;
    nfq_nlmsg_cfg_put_cmd(message, AF_INET, NFQNL_CFG_CMD_BIND);
    nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, 0xFFFF);
    nfq_nlmsg_cfg_put_qmaxlen(message, queue_length);
    mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(when_full == WhenFull::pass ? NFQA_CFG_F_FAIL_OPEN : 0));
    mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN));
    if (send(socket_.get(), message, message->nlmsg_len, 0) < 0) refuse(number_, errno);
    wait_for_acknowledgement(message->nlmsg_seq);
}

void Queue::wait_for_acknowledgement(std::uint32_t sequence) {
    for (;;) {
        auto& buffer = batch_->buffers.front();
        const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            pollfd ready{socket_.get(), POLLIN, 0};
            if (poll(&ready, 1, 5000) == 0) refuse(number_, ETIMEDOUT);
            continue;
        }
        if (size < 0) refuse(number_, errno);
        auto* message = reinterpret_cast<nlmsghdr*>(buffer.data());
        int left = static_cast<int>(size);
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            if (message->nlmsg_type == NLMSG_ERROR && message->nlmsg_seq == sequence) {
                const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
                if (error->error != 0) refuse(number_, -error->error);
                flush();
                return;
            }
            take_message(message, {});
        }
    }
}

void Queue::receive(const Handler& handler) {
    for (std::size_t i = 0; i < batches_in_a_row; ++i)
        if (read_batch(handler) < batch_size) return;
}

void Queue::drain() {
    while (read_batch({}) > 0) {
    }
}

std::size_t Queue::read_batch(const Handler& handler) {
    const int count = recvmmsg(socket_.get(), batch_->messages.data(), batch_size, MSG_DONTWAIT, nullptr);
    if (count < 0) {
        if (errno == ENOBUFS) ++lost_reads_;
        return 0;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        auto* message = reinterpret_cast<nlmsghdr*>(batch_->buffers[i].data());
        int left = static_cast<int>(batch_->messages[i].msg_len);
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
            take_message(message, handler);
    }
    flush();
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
    packet.from = header->hook == NF_INET_PRE_ROUTING ? Side::inside : Side::outside;
    Verdict verdict(*this, ntohl(header->packet_id));
    if (handler) handler(packet, verdict);
}

void Queue::put_verdict(std::uint32_t id, unsigned verdict, Bytes replacement) {
    const std::size_t size = MNL_ALIGN(sizeof(nlmsghdr)) + MNL_ALIGN(sizeof(nfgenmsg)) +
                             MNL_ALIGN(MNL_ATTR_HDRLEN + sizeof(nfqnl_msg_verdict_hdr)) +
                             MNL_ALIGN(MNL_ATTR_HDRLEN + replacement.size());
    if (outgoing_.size() + size > most_outgoing) flush();
    const std::size_t start = outgoing_.size();
    outgoing_.resize(start + size);
    nlmsghdr* message =
        nfq_nlmsg_put(reinterpret_cast<char*>(outgoing_.data()) + start, NFQNL_MSG_VERDICT, number_);
    nfq_nlmsg_verdict_put(message, static_cast<int>(id), static_cast<int>(verdict));
    if (!replacement.empty())
        nfq_nlmsg_verdict_put_pkt(message, replacement.data(),
                                  static_cast<std::uint32_t>(replacement.size()));
    outgoing_.resize(start + message->nlmsg_len);
}

void Queue::flush() {
    if (outgoing_.empty()) return;
    // The kernel works through netlink messages inside send(): nothing waits, nothing comes half.
    while (send(socket_.get(), outgoing_.data(), outgoing_.size(), 0) < 0 && errno == EINTR) {
    }
    outgoing_.clear();
}

}  // namespace sipalg::daemon
