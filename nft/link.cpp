#include "nft/link.hpp"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "nft/ruleset.hpp"

namespace sipalg::nft {

namespace {

// What a batch may be long; only a limit, nothing is set aside for it. Ten thousand elements take about 1 MB.
constexpr int largest_batch = 32 << 20;
constexpr std::size_t receive_size = 32 << 10;

[[noreturn]] void fail(const std::string& doing, int error) {
    if (error == EPERM || error == EACCES)
        throw Error(doing +
                    ": not permitted. sipalgd needs CAP_NET_ADMIN: start it as root, or give it "
                    "AmbientCapabilities=CAP_NET_ADMIN in its systemd unit, or "
                    "`setcap cap_net_admin+ep` on the program");
    if (error == EPROTONOSUPPORT || error == EOPNOTSUPP)
        throw Error(doing + ": this kernel has no nf_tables (try `modprobe nf_tables`)");
    throw Error(doing + ": " + std::strerror(error));
}

// The kernel's own words on a refusal (NETLINK_EXT_ACK), where it gave any.
std::string extended_reason(const nlmsghdr* header) {
    if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
    std::string text;
    const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header));
    std::size_t offset = sizeof *error;
    if ((header->nlmsg_flags & NLM_F_CAPPED) == 0) offset += error->msg.nlmsg_len - sizeof(nlmsghdr);
    mnl_attr_parse(
        header, static_cast<unsigned>(offset),
        [](const nlattr* attribute, void* data) {
            if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG)
                *static_cast<std::string*>(data) = mnl_attr_get_str(attribute);
            return MNL_CB_OK;
        },
        &text);
    return text;
}

}  // namespace

NetlinkSocket open_netfilter_socket() {
    NetlinkSocket socket(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
    if (!socket) fail("opening a netfilter socket", errno);
    if (mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) fail("binding a netfilter socket", errno);
    int on = 1;
    mnl_socket_setsockopt(socket.get(), NETLINK_CAP_ACK, &on, sizeof on);
    mnl_socket_setsockopt(socket.get(), NETLINK_EXT_ACK, &on, sizeof on);
    return socket;
}

Link::Link() : socket_(open_netfilter_socket()), receive_(receive_size) {
    // Refused without privilege, and then the first request says so.
    setsockopt(mnl_socket_get_fd(socket_.get()), SOL_SOCKET, SO_SNDBUFFORCE, &largest_batch,
               sizeof largest_batch);
}

std::optional<Refusal> Link::send(Batch& batch, bool commit) {
    if (batch.empty()) return std::nullopt;
    const std::uint32_t first = sequence_;
    const auto last = first + static_cast<std::uint32_t>(batch.size());
    sequence_ = last + 2;
    const auto bytes = batch.seal(first, commit);
    if (mnl_socket_sendto(socket_.get(), bytes.data(), bytes.size()) < 0)
        return Refusal{errno, std::string("sending to the kernel: ") + std::strerror(errno)};

    // The kernel works inside the send call, so its answers are all there by now. It gives them in the order
    // of the messages; a failure of the commit itself carries the number of the begin marker.
    std::optional<Refusal> refusal;
    const int descriptor = mnl_socket_get_fd(socket_.get());
    for (;;) {
        const ssize_t received = recv(descriptor, receive_.data(), receive_.size(), MSG_DONTWAIT);
        if (received < 0 && (errno == EINTR || errno == ENOBUFS)) continue;
        if (received <= 0) break;
        int left = static_cast<int>(received);
        for (auto* header = reinterpret_cast<const nlmsghdr*>(receive_.data()); mnl_nlmsg_ok(header, left);
             header = mnl_nlmsg_next(header, &left)) {
            if (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_seq < first || header->nlmsg_seq > last)
                continue;
            const int error = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header))->error;
            if (error != 0 && !refusal) {
                std::string said = extended_reason(header);
                refusal = Refusal{error, "the kernel refuses " +
                                             std::string(batch.label(header->nlmsg_seq - first)) + ": " +
                                             std::strerror(error) + (said.empty() ? "" : " (" + said + ")")};
            }
            if (error == 0 && header->nlmsg_seq == last) return refusal;
        }
    }
    if (!refusal) refusal = Refusal{ENOBUFS, "the kernel gave no answer to a transaction"};
    return refusal;
}

int Link::collect(std::uint32_t sequence) {
    answers_.clear();
    bool interrupted = false;
    for (;;) {
        const ssize_t received = mnl_socket_recvfrom(socket_.get(), receive_.data(), receive_.size());
        if (received < 0) {
            if (errno == EINTR) continue;
            return errno;
        }
        int left = static_cast<int>(received);
        for (auto* header = reinterpret_cast<const nlmsghdr*>(receive_.data()); mnl_nlmsg_ok(header, left);
             header = mnl_nlmsg_next(header, &left)) {
            if (header->nlmsg_seq != sequence) continue;
            if (header->nlmsg_flags & NLM_F_DUMP_INTR) interrupted = true;
            if (header->nlmsg_type == NLMSG_DONE) return interrupted ? EINTR : 0;
            if (header->nlmsg_type == NLMSG_ERROR)
                return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header))->error;
            const auto* start = reinterpret_cast<const char*>(header);
            answers_.insert(answers_.end(), start, start + MNL_ALIGN(header->nlmsg_len));
        }
    }
}

bool Link::list(std::uint16_t type, std::uint8_t family, const std::function<void(nlmsghdr*)>& narrow,
                const std::function<void(const nlmsghdr*)>& each) {
    int error = EINTR;
    for (int attempt = 0; error == EINTR && attempt < 20; ++attempt) {
        alignas(nlmsghdr) char request[2048];
        nlmsghdr* header = mnl_nlmsg_put_header(request);
        header->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type);
        header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        header->nlmsg_seq = sequence_++;
        auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
        generic->nfgen_family = family;
        generic->version = NFNETLINK_V0;
        if (narrow) narrow(header);
        if (mnl_socket_sendto(socket_.get(), header, header->nlmsg_len) < 0)
            fail("asking the kernel for its nftables", errno);
        error = collect(header->nlmsg_seq);
    }
    if (error == ENOENT) return false;
    if (error != 0) fail("reading the kernel's nftables", error);
    int left = static_cast<int>(answers_.size());
    for (auto* header = reinterpret_cast<const nlmsghdr*>(answers_.data()); mnl_nlmsg_ok(header, left);
         header = mnl_nlmsg_next(header, &left))
        each(header);
    return true;
}

}  // namespace sipalg::nft
