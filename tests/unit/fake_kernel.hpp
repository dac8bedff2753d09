// A kernel for tests of what is asked over netlink: answers in its place, and lets system calls fail.
#pragma once

#include <libmnl/libmnl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "alg/sys/netlink.hpp"

namespace sipalg::test {

class FakeKernel : public netlink::Channel {
  public:
    FakeKernel() : Channel(Fd()) {}

    /// Called for each datagram that is sent; it may answer.
    std::function<void(const nlmsghdr*)> on_request = [](const nlmsghdr*) {};
    /// Which socket the next answers are for; 0: the one of the fake.
    std::uint32_t port = 0;
    std::vector<std::chrono::milliseconds> waits;  ///< that ended without an answer

    /// Each of these is a datagram of its own.
    void say(std::vector<char> datagram) { replies_.push_back({std::move(datagram), 0}); }
    /// An answer of `size` bytes that begins with `number`.
    void answer(const nlmsghdr* request, std::uint16_t type, std::uint32_t number, std::uint16_t flags = 0,
                std::size_t size = sizeof(std::uint32_t)) {
        std::vector<char> payload(size);
        std::memcpy(payload.data(), &number, sizeof number);
        answer_with(request, type, payload, flags);
    }
    void answer_with(const nlmsghdr* request, std::uint16_t type, const std::vector<char>& payload,
                     std::uint16_t flags = 0) {
        std::vector<char> datagram(MNL_NLMSG_HDRLEN + MNL_ALIGN(payload.size()));
        nlmsghdr* header = mnl_nlmsg_put_header(datagram.data());
        header->nlmsg_len = static_cast<std::uint32_t>(MNL_NLMSG_HDRLEN + payload.size());
        header->nlmsg_type = type;
        header->nlmsg_flags = flags;
        header->nlmsg_seq = request->nlmsg_seq;
        header->nlmsg_pid = port;
        std::copy(payload.begin(), payload.end(), datagram.begin() + MNL_NLMSG_HDRLEN);
        say(std::move(datagram));
    }
    /// NLMSG_ERROR; 0: an acknowledgement.
    void error(const nlmsghdr* request, int number) {
        nlmsgerr error{-number, *request};
        std::vector<char> payload(sizeof error);
        std::memcpy(payload.data(), &error, sizeof error);
        answer_with(request, NLMSG_ERROR, payload);
    }
    /// NLMSG_DONE.
    void done(const nlmsghdr* request, int error = 0, std::uint16_t flags = 0) {
        const int number = -error;
        std::vector<char> payload(sizeof number);
        std::memcpy(payload.data(), &number, sizeof number);
        answer_with(request, NLMSG_DONE, payload, flags);
    }
    /// The next send fails; the read after what was answered so far does.
    void fail_send(int error) { send_error_ = error; }
    void fail_receive(int error) { replies_.push_back({{}, error}); }
    /// Datagrams that wait to be read.
    std::size_t pending() const { return replies_.size(); }

    static std::uint32_t number_in(const nlmsghdr* message) {
        std::uint32_t number = 0;
        if (mnl_nlmsg_get_payload_len(message) >= sizeof number)
            std::memcpy(&number, mnl_nlmsg_get_payload(message), sizeof number);
        return number;
    }

    ssize_t send(std::span<const char> bytes) override {
        if (const int error = std::exchange(send_error_, 0)) return fail(error);
        on_request(reinterpret_cast<const nlmsghdr*>(bytes.data()));
        return static_cast<ssize_t>(bytes.size());
    }
    ssize_t receive(std::span<char> room) override {
        if (replies_.empty()) return fail(EAGAIN);
        const Reply reply = std::move(replies_.front());
        replies_.pop_front();
        if (reply.error != 0) return fail(reply.error);
        std::copy_n(reply.datagram.begin(), std::min(room.size(), reply.datagram.size()), room.begin());
        return static_cast<ssize_t>(reply.datagram.size());
    }
    bool wait(std::chrono::milliseconds limit) override {
        if (replies_.empty()) waits.push_back(limit);
        return !replies_.empty();
    }

  private:
    struct Reply {
        std::vector<char> datagram;
        int error = 0;
    };
    static ssize_t fail(int error) {
        errno = error;
        return -1;
    }

    std::deque<Reply> replies_;
    int send_error_ = 0;
};

}  // namespace sipalg::test
