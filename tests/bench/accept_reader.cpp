// The reference for comparisons: reads one NFQUEUE and accepts each packet unmodified, with one system call
// per verdict.
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <system_error>
#include <vector>

namespace {

volatile std::sig_atomic_t stopping = 0;
void on_signal(int) {
    stopping = 1;
}

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

class Queue {
  public:
    explicit Queue(std::uint16_t number)
        : number_(number), socket_(mnl_socket_open(NETLINK_NETFILTER), mnl_socket_close), buffer_(0x20000) {
        if (!socket_ || mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) fail("netlink socket");
        nlmsghdr* message = nfq_nlmsg_put(buffer_.data(), NFQNL_MSG_CONFIG, number_);
        nfq_nlmsg_cfg_put_cmd(message, AF_INET, NFQNL_CFG_CMD_BIND);
        configure(message);
        message = nfq_nlmsg_put(buffer_.data(), NFQNL_MSG_CONFIG, number_);
        nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, 0xffff);
        configure(message);
        const int on = 1;
        mnl_socket_setsockopt(socket_.get(), NETLINK_NO_ENOBUFS, const_cast<int*>(&on), sizeof on);
    }

    unsigned long run() {
        while (stopping == 0) {
            const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) fail("receive from the queue");
            if (mnl_cb_run(buffer_.data(), static_cast<std::size_t>(got), 0, 0, &Queue::packet, this) < 0) {
                fail("message from the queue");
            }
        }
        return accepted_;
    }

  private:
    /// Sends a configuration message and waits for the kernel's acknowledgement.
    void configure(nlmsghdr* message) {
        message->nlmsg_flags |= NLM_F_ACK;
        if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) fail("configure the queue");
        const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
        const unsigned port = mnl_socket_get_portid(socket_.get());
        if (got < 0 ||
            mnl_cb_run(buffer_.data(), static_cast<std::size_t>(got), 0, port, nullptr, nullptr) < 0) {
            fail("configure the queue");
        }
    }

    static int packet(const nlmsghdr* message, void* self) {
        nlattr* attributes[NFQA_MAX + 1] = {};
        if (nfq_nlmsg_parse(message, attributes) < 0 || attributes[NFQA_PACKET_HDR] == nullptr)
            return MNL_CB_OK;
        nfqnl_msg_packet_hdr head;
        std::memcpy(&head, mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]), sizeof head);
        static_cast<Queue*>(self)->accept(ntohl(head.packet_id));
        return MNL_CB_OK;
    }

    void accept(std::uint32_t id) {
        char verdict[256];
        nlmsghdr* message = nfq_nlmsg_put(verdict, NFQNL_MSG_VERDICT, number_);
        nfq_nlmsg_verdict_put(message, static_cast<int>(id), NF_ACCEPT);
        if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) fail("verdict");
        ++accepted_;
    }

    std::uint16_t number_;
    std::unique_ptr<mnl_socket, int (*)(mnl_socket*)> socket_;
    std::vector<char> buffer_;
    unsigned long accepted_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    const long number = argc == 2 ? std::strtol(argv[1], nullptr, 10) : -1;
    if (number < 0 || number > 0xffff) {
        std::fprintf(stderr, "usage: accept_reader QUEUE\n");
        return 2;
    }
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    try {
        Queue queue(static_cast<std::uint16_t>(number));
        std::printf("ready\n");
        std::fflush(stdout);
        std::printf("{\"accepted\": %lu}\n", queue.run());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "accept_reader: %s\n", error.what());
        return 1;
    }
    return 0;
}
