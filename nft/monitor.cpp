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

#include "nft/ruleset.hpp"

namespace sipalg::nft {

namespace {

constexpr std::uint16_t new_generation = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
constexpr int kept = 16 << 10;         // bytes with the kernel's bookkeeping: some dozen messages
constexpr int most_at_a_time = 64;     // another program may be faster than we read
constexpr std::size_t longest = 4096;  // what is behind does not matter

// All that happens is sent to the one group that there is, a message for each set element too, many in one
// datagram. They are followed by one about the ruleset's new generation, in a datagram of its own, which
// bears the port of who made it. Only that is let through, so that neither our own elements nor the million
// of another program wake us or fill the socket. What element timeouts and the rules themselves change makes
// none.
void attach_filter(int descriptor, std::uint32_t own) {
    std::array<sock_filter, 6> program{{
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(new_generation), 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(nlmsghdr, nlmsg_pid)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(own), 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
        throw Error(std::string("filtering what the kernel tells of nftables: ") + std::strerror(errno));
}

bool membership(int descriptor, int option) {
    const int group = NFNLGRP_NFTABLES;
    return setsockopt(descriptor, SOL_NETLINK, option, &group, sizeof group) == 0;
}

}  // namespace

Monitor::Monitor(std::uint32_t own) : Monitor(open_netfilter_socket(), own) {
    if (!membership(descriptor(), NETLINK_ADD_MEMBERSHIP))
        throw Error(std::string("listening for changes of nftables: ") + std::strerror(errno));
}

Monitor::Monitor(NetlinkSocket socket, std::uint32_t own) : socket_(std::move(socket)) {
    attach_filter(descriptor(), own);
    setsockopt(descriptor(), SOL_SOCKET, SO_RCVBUF, &kept, sizeof kept);  // else it keeps more
}

bool Monitor::changed() {
    bool some = false;
    for (int i = 0; i < most_at_a_time; ++i) {
        std::array<char, longest> message;
        const ssize_t size = recv(descriptor(), message.data(), message.size(), MSG_DONTWAIT);
        if (size >= 0 || errno == ENOBUFS)  // the latter: there were more than it could keep
            some = true;
        else if (errno != EINTR)
            break;
    }
    return some;
}

Monitor::Away::Away(Monitor& monitor) : monitor_(monitor) {
    membership(monitor_.descriptor(), NETLINK_DROP_MEMBERSHIP);
}

// It has been a member before; the kernel needs nothing new for it.
Monitor::Away::~Away() {
    membership(monitor_.descriptor(), NETLINK_ADD_MEMBERSHIP);
}

}  // namespace sipalg::nft
