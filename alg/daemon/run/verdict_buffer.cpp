#include "alg/daemon/run/verdict_buffer.hpp"

#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sipalg::daemon {

namespace {

// The length of the first message with its padding.
std::size_t first_message(std::span<const std::uint8_t> bytes) {
    nlmsghdr header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    return std::min<std::size_t>(MNL_ALIGN(header.nlmsg_len), bytes.size());
}

}  // namespace

VerdictBuffer::VerdictBuffer(std::uint16_t queue, Send send) : queue_(queue), send_(std::move(send)) {
    outgoing_.reserve(16'384);
}

void VerdictBuffer::put(std::uint32_t packet_id, unsigned verdict, Bytes replacement,
                        std::optional<std::uint32_t> mark) {
    const std::size_t size = MNL_ALIGN(sizeof(nlmsghdr)) + MNL_ALIGN(sizeof(nfgenmsg)) +
                             MNL_ALIGN(MNL_ATTR_HDRLEN + sizeof(nfqnl_msg_verdict_hdr)) +
                             MNL_ALIGN(MNL_ATTR_HDRLEN + sizeof *mark) +
                             MNL_ALIGN(MNL_ATTR_HDRLEN + replacement.size());
    if (!kept_ && outgoing_.size() + size > most_outgoing) flush();
    while (kept_ && outgoing_.size() + size > most_kept) {
        const std::size_t oldest = first_message(outgoing_);
        outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(oldest));
        ++lost_;
    }
    const std::size_t start = outgoing_.size();
    outgoing_.resize(start + size);
    nlmsghdr* message =
        nfq_nlmsg_put(reinterpret_cast<char*>(outgoing_.data()) + start, NFQNL_MSG_VERDICT, queue_);
    nfq_nlmsg_verdict_put(message, static_cast<int>(packet_id), static_cast<int>(verdict));
    if (mark) nfq_nlmsg_verdict_put_mark(message, *mark);
    if (!replacement.empty())
        nfq_nlmsg_verdict_put_pkt(message, replacement.data(),
                                  static_cast<std::uint32_t>(replacement.size()));
    outgoing_.resize(start + message->nlmsg_len);
}

bool VerdictBuffer::flush() {
    if (outgoing_.empty()) return true;
    if (outgoing_.size() <= most_outgoing && send_once(outgoing_) == Outcome::taken)
        outgoing_.clear();
    else
        send_one_by_one();
    kept_ = !outgoing_.empty();
    return !kept_;
}

VerdictBuffer::Outcome VerdictBuffer::send_once(std::span<const std::uint8_t> bytes) {
    for (;;) {
        if (send_(bytes.data(), bytes.size()) >= 0) return Outcome::taken;
        if (errno == EINTR) continue;
        const bool passes = errno == ENOBUFS || errno == ENOMEM || errno == EAGAIN;
        return passes ? Outcome::keep : Outcome::lost;
    }
}

// Stops at the first one that must be kept: if the kernel has no memory for it, further attempts only cost
// time. The kernel identifies packets by number, so the order does not matter.
void VerdictBuffer::send_one_by_one() {
    std::span<const std::uint8_t> rest = outgoing_;
    while (!rest.empty()) {
        const std::size_t size = first_message(rest);
        const Outcome outcome = send_once(rest.first(size));
        if (outcome == Outcome::keep) break;
        if (outcome == Outcome::lost) ++lost_;
        rest = rest.subspan(size);
    }
    outgoing_.erase(outgoing_.begin(), outgoing_.end() - static_cast<std::ptrdiff_t>(rest.size()));
}

}  // namespace sipalg::daemon
