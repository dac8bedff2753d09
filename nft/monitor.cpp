#include "nft/monitor.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "alg/sys/netlink.hpp"
#include "nft/settings.hpp"

namespace sipalg::nft {

namespace {

constexpr std::uint16_t new_generation = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
constexpr int receive_buffer = 16 << 10;  // bytes with the kernel's bookkeeping: some dozen messages
constexpr int most_at_a_time = 64;        // another program may be faster than we read
constexpr std::size_t longest = 4096;     // the rest of a message does not matter

// There is one notification group for all objects: each object and each set element causes a message, many in
// one datagram. A message about the new generation of the ruleset follows in a separate datagram, with the
// port of the author. The filter passes only that one, so that neither the daemon's own elements nor a
// million elements of another program wake the daemon or fill the socket. Elements that time out, or that
// rules add, cause no message.
void pass_only_generations(int descriptor, std::uint32_t own) {
    std::array<sock_filter, 6> program{{
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(new_generation), 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(nlmsghdr, nlmsg_pid)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(own), 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
    if (!netlink::attach_filter(descriptor, program))
        throw Error(std::string("filtering notifications of nftables: ") + std::strerror(errno));
}

Fd open_socket() {
    try {
        return netlink::open_socket({.protocol = NETLINK_NETFILTER});
    } catch (const std::system_error& error) {
        throw Error(std::string("listening for changes of nftables: ") + error.what());
    }
}

bool membership(int descriptor, int option) {
    const int group = NFNLGRP_NFTABLES;
    return setsockopt(descriptor, SOL_NETLINK, option, &group, sizeof group) == 0;
}

}  // namespace

Monitor::Monitor(std::uint32_t own) : Monitor(open_socket(), own) {
    if (!membership(descriptor(), NETLINK_ADD_MEMBERSHIP))
        throw Error(std::string("listening for changes of nftables: ") + std::strerror(errno));
}

Monitor::Monitor(Fd socket, std::uint32_t own) : socket_(std::move(socket)) {
    pass_only_generations(descriptor(), own);
    setsockopt(descriptor(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
}

bool Monitor::changed() {
    bool some = false;
    for (int i = 0; i < most_at_a_time; ++i) {
        std::array<char, longest> message;
        const ssize_t size = recv(descriptor(), message.data(), message.size(), MSG_DONTWAIT);
        if (size >= 0 || errno == ENOBUFS)  // ENOBUFS: the buffer overflowed
            some = true;
        else if (errno != EINTR)
            break;
    }
    return some;
}

Monitor::Away::Away(Monitor& monitor) : monitor_(monitor) {
    membership(monitor_.descriptor(), NETLINK_DROP_MEMBERSHIP);
}

// Joining again cannot fail, because the kernel needs no new memory for it.
Monitor::Away::~Away() {
    membership(monitor_.descriptor(), NETLINK_ADD_MEMBERSHIP);
}

}  // namespace sipalg::nft
