// A netlink conversation: requests to the kernel and its answers, for any protocol. All netlink requests of
// the daemon use this file.
//
// Theory of operation. The kernel processes a request inside send(), so the answer, or the first part of it,
// is in the socket's buffer when send() returns. Each answer carries the sequence number of its request and
// the port of the socket. An answer with other numbers belongs to an earlier request that was abandoned, and
// is skipped. A dump arrives in parts and ends with NLMSG_DONE. It fails with NLMSG_ERROR, with an error
// number inside NLMSG_DONE, or by a timeout. If any part has NLM_F_DUMP_INTR, the dump is complete but not
// consistent, because the objects changed while the kernel wrote it.
#pragma once

#include <libmnl/libmnl.h>
#include <linux/filter.h>

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
    bool overruns =
        true;  ///< false: a full receive buffer causes no error in the next read (NETLINK_NO_ENOBUFS)
};

/// Opens and binds a non-blocking socket. Errors do not repeat the request (NETLINK_CAP_ACK) and have a text
/// (NETLINK_EXT_ACK). Throws std::system_error.
[[nodiscard]] Fd open_socket(const ChannelOptions& options);

/// Lets the kernel pass to this socket only the messages that `program` accepts (SO_ATTACH_FILTER). False: it
/// refuses, and errno has the reason.
[[nodiscard]] bool attach_filter(int descriptor, std::span<sock_filter> program);

/// A netlink socket with the three system calls of a conversation, non-blocking. They are virtual, so that
/// tests can answer in place of the kernel and make a call fail.
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
    /// The port of this socket (nlmsg_pid of its answers).
    std::uint32_t port() const { return port_; }

    /// As send(2), tried again after EINTR.
    virtual ssize_t send(std::span<const char> bytes);
    /// As recv(2) with MSG_TRUNC: the length of the datagram, even where `room` is shorter. Messages that are
    /// not from the kernel are skipped. EAGAIN: no message.
    virtual ssize_t receive(std::span<char> room);
    /// Waits until receive() has a message. False: none within `limit`.
    virtual bool wait(std::chrono::milliseconds limit);

  private:
    Fd socket_;
    std::uint32_t port_ = 0;
};

/// Sends requests on one channel, one at a time. Errors are errno values of std::generic_category; ETIMEDOUT:
/// the kernel did not answer in time. The conversation stays usable after a failed request.
class Conversation {
  public:
    /// Called for one message of an answer, which is valid until the function returns.
    using Each = std::function<void(const nlmsghdr*)>;
    /// The same; returns false to ignore the rest of the answer.
    using EachUntil = std::function<bool(const nlmsghdr*)>;

    /// The most attempts to read a dump that changes each time.
    static constexpr int attempts = 20;
    /// The timeout. The kernel answers inside send() or recv(), so this is a long time.
    static constexpr std::chrono::milliseconds usual_patience{1000};
    /// More than the 32 kB that the kernel puts into one datagram of a dump. The buffer grows for a longer
    /// one.
    static constexpr std::size_t usual_room = 32 << 10;

    /// The channel must outlive this object. `room`: bytes of the longest datagram that must not be lost.
    explicit Conversation(Channel& channel, std::chrono::milliseconds patience = usual_patience,
                          std::size_t room = usual_room);

    /// Sends one request and passes the messages of its answer to `answer`, all others to `other`. Sets the
    /// sequence number and flags (NLM_F_REQUEST, NLM_F_ACK). Returns the error in the kernel's answer.
    [[nodiscard]] std::error_code ask(nlmsghdr* request, const Each& answer = {}, const Each& other = {});

    /// Reads a consistent dump: repeats the request, at most `attempts` times, if the dump was inconsistent,
    /// and then calls `each`, which must not use this conversation. EINTR: it was inconsistent each time.
    [[nodiscard]] std::error_code dump(nlmsghdr* request, const Each& each);

    /// Reads a dump that is too long to store: calls `each` as the parts arrive. EINTR: it was inconsistent,
    /// so an object may be missing or may have been passed twice.
    [[nodiscard]] std::error_code stream(nlmsghdr* request, const Each& each);

    /// Reserves `count` sequence numbers for messages that the caller sends itself, and returns the first.
    std::uint32_t reserve(std::uint32_t count);
    [[nodiscard]] std::error_code send(std::span<const char> bytes);
    /// Reads the answers to such messages, numbers `first` to `last`, that have arrived; does not wait.
    void answers(std::uint32_t first, std::uint32_t last, const EachUntil& each);

  private:
    enum class Read : std::uint8_t { messages, nothing, lost, failed };
    Read read(std::span<const char>& messages, std::error_code& error);
    bool is_answer(const nlmsghdr* message, std::uint32_t first, std::uint32_t last) const;
    void finish_abandoned();

    Channel& channel_;
    std::chrono::milliseconds patience_;
    std::vector<char> room_;
    std::vector<char> kept_;  ///< the messages of a dump that is not complete yet
    std::uint32_t next_ = 1;
    bool abandoned_ = false;  ///< a dump may be in progress, and the kernel refuses to begin another
};

/// The error in NLMSG_ERROR or NLMSG_DONE: a positive errno value, 0 for none.
int error_of(const nlmsghdr* message);
/// The kernel's text in an NLMSG_ERROR (NETLINK_EXT_ACK); empty: none.
std::string explanation_of(const nlmsghdr* error);
/// An errno value in the form that the functions above return.
std::error_code code_of(int error);

}  // namespace sipalg::netlink
