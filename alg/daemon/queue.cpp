#include "alg/daemon/queue.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
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

#include "alg/daemon/attributes.hpp"
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

void put_header(nlmsghdr* message, unsigned type, std::uint16_t queue) {
    message->nlmsg_type = message_type(type);
    message->nlmsg_flags = NLM_F_REQUEST;
    auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
    header->nfgen_family = AF_UNSPEC;
    header->version = NFNETLINK_V0;
    header->res_id = htons(queue);
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
    if (!given_) queue_.put_verdict(id_, {});
}

void Verdict::replace(Bytes packet) {
    if (given_ || packet.empty() || packet.size() > Queue::longest_packet) return;
    given_ = true;
    queue_.put_verdict(id_, packet);
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

Queue::Queue(std::uint16_t number)
    : number_(number),
      socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER)),
      // Not value-initialised: a megabyte that is written page by page as packets need it.
      batch_(new Batch) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    if (!socket_ || ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        refuse(number, errno);
    // A full buffer drops packets (or passes them, FAIL_OPEN) but must not make reads fail.
    const int on = 1;
    setsockopt(socket_.get(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
    if (setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) != 0)
        setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    outgoing_.reserve(16384);
    bind();
}

Queue::~Queue() = default;

// One message does it all, so that no packet can meet a half-configured queue: rules that a killed daemon
// left behind send packets the moment the queue exists.
void Queue::bind() {
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    put_header(message, NFQNL_MSG_CONFIG, number_);
    message->nlmsg_flags |= NLM_F_ACK;
    message->nlmsg_seq = 1;
    const nfqnl_msg_config_cmd command{NFQNL_CFG_CMD_BIND, 0, htons(AF_INET)};
    mnl_attr_put(message, NFQA_CFG_CMD, sizeof command, &command);
    nfqnl_msg_config_params params{};
    params.copy_range = htonl(0xFFFF);
    params.copy_mode = NFQNL_COPY_PACKET;
    mnl_attr_put(message, NFQA_CFG_PARAMS, sizeof params, &params);
    mnl_attr_put_u32(message, NFQA_CFG_QUEUE_MAXLEN, htonl(queue_length));
    mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_FAIL_OPEN));
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
    QueuedPacket packet;
    const nfqnl_msg_packet_hdr* header = nullptr;
    for (const nlattr* attribute : Attributes(message, sizeof(nfgenmsg))) {
        const auto* data = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
        const std::size_t size = mnl_attr_get_payload_len(attribute);
        switch (mnl_attr_get_type(attribute)) {
            case NFQA_PACKET_HDR:
                if (size >= sizeof *header) header = reinterpret_cast<const nfqnl_msg_packet_hdr*>(data);
                break;
            case NFQA_IFINDEX_INDEV: packet.in_interface = ntohl(mnl_attr_get_u32(attribute)); break;
            case NFQA_IFINDEX_OUTDEV: packet.out_interface = ntohl(mnl_attr_get_u32(attribute)); break;
            case NFQA_CAP_LEN: packet.whole = false; break;
            case NFQA_PAYLOAD: packet.bytes = {data, size}; break;
            default: break;
        }
    }
    if (header == nullptr) return;
    packet.from = header->hook == NF_INET_PRE_ROUTING ? Side::inside : Side::outside;
    Verdict verdict(*this, ntohl(header->packet_id));
    if (handler) handler(packet, verdict);
}

void Queue::put_verdict(std::uint32_t id, Bytes replacement) {
    const std::size_t size = MNL_ALIGN(sizeof(nlmsghdr)) + MNL_ALIGN(sizeof(nfgenmsg)) +
                             MNL_ALIGN(MNL_ATTR_HDRLEN + sizeof(nfqnl_msg_verdict_hdr)) +
                             MNL_ALIGN(MNL_ATTR_HDRLEN + replacement.size());
    if (outgoing_.size() + size > most_outgoing) flush();
    const std::size_t start = outgoing_.size();
    outgoing_.resize(start + size);
    nlmsghdr* message = mnl_nlmsg_put_header(outgoing_.data() + start);
    put_header(message, NFQNL_MSG_VERDICT, number_);
    const nfqnl_msg_verdict_hdr verdict{htonl(NF_ACCEPT), htonl(id)};
    mnl_attr_put(message, NFQA_VERDICT_HDR, sizeof verdict, &verdict);
    if (!replacement.empty()) mnl_attr_put(message, NFQA_PAYLOAD, replacement.size(), replacement.data());
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
