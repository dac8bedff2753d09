// One netlink conversation: questions to the kernel and its answers, whatever the protocol. Every part of the
// daemon that asks the kernel something over netlink asks through this file.
//
// Theory of operation. The kernel works through a request inside send(), so its answer, or the first part of
// it, is in the socket's buffer when send() returns. Each answer carries the sequence number of its request
// and the port of the socket that asked; an answer with other numbers belongs to an earlier question that was
// given up, and is skipped. A list ("dump") comes in parts and ends with NLMSG_DONE. Three things end it
// otherwise: NLMSG_ERROR, an error number inside NLMSG_DONE, and silence. It is complete but not consistent
// if any part has NLM_F_DUMP_INTR: the list changed while the kernel wrote it.
#pragma once

#include <libmnl/libmnl.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "alg/sys/fd.hpp"

namespace sipalg::netlink {

struct ChannelOptions {
    int protocol = 0;          ///< NETLINK_NETFILTER, NETLINK_ROUTE
    std::uint32_t groups = 0;  ///< multicast groups to join, as a bit mask (RTMGRP_…)
    int send_buffer = 0;       ///< bytes, beyond the system's limit where privileged; 0: the system's default
    int receive_buffer = 0;    ///< the same for what the kernel sends
    bool overruns = true;  ///< false: a full receive buffer is no error of the next read (NETLINK_NO_ENOBUFS)
};

/// A bound, non-blocking socket with short and explained errors (NETLINK_CAP_ACK, NETLINK_EXT_ACK). Throws
/// std::system_error.
[[nodiscard]] Fd open_socket(const ChannelOptions& options);

/// A netlink socket: the three system calls that a conversation needs. Not blocking; they are virtual so that
/// tests can answer in the kernel's place and let a call fail.
class Channel {
  public:
    /// Throws std::system_error.
    explicit Channel(const ChannelOptions& options);
    /// A socket that exists already, of any datagram protocol.
    explicit Channel(Fd socket);
    virtual ~Channel() = default;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    int descriptor() const { return socket_.get(); }
    /// The kernel's name for this socket (nlmsg_pid of its answers).
    std::uint32_t port() const { return port_; }

    /// As send(2), tried again after EINTR.
    virtual ssize_t send(std::span<const char> bytes);
    /// As recv(2) with MSG_TRUNC: the length of the datagram, even where `room` is shorter. Messages that do
    /// not come from the kernel are skipped. EAGAIN: nothing is there.
    virtual ssize_t receive(std::span<char> room);
    /// Waits until receive() has something. False: not within `limit`.
    virtual bool wait(std::chrono::milliseconds limit);

  private:
    Fd socket_;
    std::uint32_t port_ = 0;
};

/// Asks on one channel, one question at a time. Errors are errno values of std::generic_category; ETIMEDOUT:
/// the kernel did not answer in time. A failed question leaves the conversation usable.
class Conversation {
  public:
    /// For one message of an answer; it is valid until the function returns.
    using Each = std::function<void(const nlmsghdr*)>;
    /// The same; false: no more of this answer is wanted.
    using EachUntil = std::function<bool(const nlmsghdr*)>;

    /// How often a list is asked for while it changes during each reading.
    static constexpr int attempts = 20;
    /// A long time for the kernel, which answers inside send() or recv().
    static constexpr std::chrono::milliseconds usual_patience{1000};
    /// Above the 32 kB that the kernel puts into one datagram of a list. The buffer grows when one is longer.
    static constexpr std::size_t usual_room = 32 << 10;

    /// The channel must outlive this object. `room`: bytes of the longest datagram that must not be lost.
    explicit Conversation(Channel& channel, std::chrono::milliseconds patience = usual_patience,
                          std::size_t room = usual_room);

    /// One question: `answer` gets the messages that answer it, `other` every message that does not. Sets
    /// sequence number and flags (NLM_F_REQUEST, NLM_F_ACK). An error that the kernel answers is returned.
    [[nodiscard]] std::error_code ask(nlmsghdr* request, const Each& answer = {}, const Each& other = {});

    /// A consistent list: asks again, at most `attempts` times, when it changed during the reading, and calls
    /// `each`, which must not ask on this conversation, when all of it is there. EINTR: it changed each time.
    [[nodiscard]] std::error_code dump(nlmsghdr* request, const Each& each);

    /// A list that is too long to be kept: calls `each` as the parts come. EINTR: it changed during the
    /// reading, so an object may be missing or have come twice.
    [[nodiscard]] std::error_code stream(nlmsghdr* request, const Each& each);

    /// The first of `count` sequence numbers for messages that the caller numbers and sends by itself.
    std::uint32_t reserve(std::uint32_t count);
    [[nodiscard]] std::error_code send(std::span<const char> bytes);
    /// The answers to such messages, from number `first` to `last`, as far as they are there; does not wait.
    void answers(std::uint32_t first, std::uint32_t last, const EachUntil& each);

  private:
    enum class Read : std::uint8_t { messages, nothing, lost, failed };
    Read read(std::span<const char>& messages, std::error_code& error);
    bool is_answer(const nlmsghdr* message, std::uint32_t first, std::uint32_t last) const;
    void finish_abandoned();

    Channel& channel_;
    std::chrono::milliseconds patience_;
    std::vector<char> room_;
    std::vector<char> kept_;  ///< the messages of a list whose end is not there yet
    std::uint32_t next_ = 1;
    bool abandoned_ = false;  ///< the kernel may be in the middle of a list, and refuses to begin another
};

/// The error that NLMSG_ERROR or NLMSG_DONE carries: a positive errno value, 0 for none.
int error_of(const nlmsghdr* message);
/// The kernel's own words in an NLMSG_ERROR (NETLINK_EXT_ACK); empty where it gave none.
std::string explanation_of(const nlmsghdr* error);
/// An errno value as the functions above return it.
std::error_code code_of(int error);

}  // namespace sipalg::netlink
