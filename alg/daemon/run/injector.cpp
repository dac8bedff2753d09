#include "alg/daemon/run/injector.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "alg/daemon/config/log.hpp"
#include "nft/settings.hpp"

namespace sipalg::daemon {

namespace {

Fd raw_socket() {
    Fd socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW));
    if (socket) return socket;
    if (errno == EPERM)
        throw nft::Error(
            "raw socket: not permitted; run as root or with CAP_NET_RAW (besides CAP_NET_ADMIN)");
    throw nft::Error(std::string("raw socket: ") + std::strerror(errno));
}

}  // namespace

Injector::Injector() {
    for (Fd& socket : sockets_)
        socket = raw_socket();
    const std::uint32_t mark = nft::own_mark;
    if (setsockopt(sockets_[Side::outside].get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0)
        throw nft::Error(std::string("mark of a raw socket: ") + std::strerror(errno));
}

void Injector::send(Side from, Bytes packet, unsigned interface) {
    if (packet.size() < 20 || packet[0] >> 4 != 4) return;
    sockaddr_in destination{};
    destination.sin_family = AF_INET;
    std::memcpy(&destination.sin_addr, packet.data() + 16, sizeof destination.sin_addr);
    iovec part{const_cast<std::uint8_t*>(packet.data()), packet.size()};
    msghdr message{};
    message.msg_name = &destination;
    message.msg_namelen = sizeof destination;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    if (from == Side::inside && interface != 0) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = IPPROTO_IP;
        header->cmsg_type = IP_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
        in_pktinfo information{};
        information.ipi_ifindex = static_cast<int>(interface);
        std::memcpy(CMSG_DATA(header), &information, sizeof information);
    }
    if (sendmsg(sockets_[from].get(), &message, 0) < 0)
        log::debug("cannot send a segment: {}", std::strerror(errno));
}

}  // namespace sipalg::daemon
