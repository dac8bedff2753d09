#include "alg/sys/netlink.hpp"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "alg/sys/attributes.hpp"

namespace sipalg::netlink {

namespace {

std::uint32_t port_of(int descriptor) {
    sockaddr_nl address{};
    socklen_t size = sizeof address;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        address.nl_family != AF_NETLINK)
        return 0;
    return address.nl_pid;
}

// A dump longer than this is rare (a restart reads all elements), so its memory is freed.
constexpr std::size_t most_kept = 256 << 10;

template <class Function>
void for_each_message(std::span<const char> datagram, const Function& function) {
    int left = static_cast<int>(datagram.size());
    for (auto* message = reinterpret_cast<const nlmsghdr*>(datagram.data()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left))
        if (!function(message)) return;
}

}  // namespace

Fd open_socket(const ChannelOptions& options) {
    Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, options.protocol));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = options.groups;
    if (!fd) throw std::system_error(code_of(errno), "opening a netlink socket");
    const auto set = [&](int level, int option, int value) {
        return setsockopt(fd.get(), level, option, &value, sizeof value) == 0;
    };
    // Failures of these calls are ignored. Without the privilege a buffer is as large as the system allows.
    set(SOL_NETLINK, NETLINK_CAP_ACK, 1);
    set(SOL_NETLINK, NETLINK_EXT_ACK, 1);
    if (!options.overruns) set(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1);
    if (options.send_buffer > 0 && !set(SOL_SOCKET, SO_SNDBUFFORCE, options.send_buffer))
        set(SOL_SOCKET, SO_SNDBUF, options.send_buffer);
    if (options.receive_buffer > 0 && !set(SOL_SOCKET, SO_RCVBUFFORCE, options.receive_buffer))
        set(SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::system_error(code_of(errno), "binding a netlink socket");
    return fd;
}

std::error_code code_of(int error) {
    return {error, std::generic_category()};
}

int error_of(const nlmsghdr* message) {
    int error = 0;
    // A successful dump may end with an empty NLMSG_DONE.
    if (mnl_nlmsg_get_payload_len(message) >= sizeof error)
        std::memcpy(&error, mnl_nlmsg_get_payload(message), sizeof error);
    return error < 0 ? -error : 0;
}

std::string explanation_of(const nlmsghdr* message) {
    std::string text;
    if ((message->nlmsg_flags & NLM_F_ACK_TLVS) == 0 || mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr))
        return text;
    const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
    std::size_t offset = sizeof *error;
    if ((message->nlmsg_flags & NLM_F_CAPPED) == 0) offset += error->msg.nlmsg_len - sizeof(nlmsghdr);
    mnl_attr_parse(
        message, static_cast<unsigned>(offset),
        [](const nlattr* attribute, void* data) {
            if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG)
                *static_cast<std::string*>(data) = text_of(attribute);
            return MNL_CB_OK;
        },
        &text);
    return text;
}

bool attach_filter(int descriptor, std::span<sock_filter> program) {
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

Channel::Channel(const ChannelOptions& options) : Channel(open_socket(options)) {}

Channel::Channel(Fd socket) : socket_(std::move(socket)), port_(port_of(socket_.get())) {}

ssize_t Channel::send(std::span<const char> bytes) {
    for (;;) {
        const ssize_t sent = ::send(descriptor(), bytes.data(), bytes.size(), 0);
        if (sent >= 0 || errno != EINTR) return sent;
    }
}

ssize_t Channel::receive(std::span<char> room) {
    for (;;) {
        sockaddr_nl sender{};
        socklen_t size = sizeof sender;
        const ssize_t received = recvfrom(descriptor(), room.data(), room.size(), MSG_DONTWAIT | MSG_TRUNC,
                                          reinterpret_cast<sockaddr*>(&sender), &size);
        if (received < 0 && errno == EINTR) continue;
        if (received >= 0 && size == sizeof sender && sender.nl_pid != 0) continue;
        return received;
    }
}

bool Channel::wait(std::chrono::milliseconds limit) {
    pollfd ready{descriptor(), POLLIN, 0};
    for (;;) {
        const int result = poll(&ready, 1, static_cast<int>(limit.count()));
        if (result >= 0 || errno != EINTR) return result > 0;
    }
}

Conversation::Conversation(Channel& channel, std::chrono::milliseconds patience, std::size_t room)
    : channel_(channel), patience_(patience), room_(room) {}

std::uint32_t Conversation::reserve(std::uint32_t count) {
    return std::exchange(next_, next_ + count);
}

std::error_code Conversation::send(std::span<const char> bytes) {
    return channel_.send(bytes) < 0 ? code_of(errno) : std::error_code();
}

// Reads one datagram without waiting. `lost`: the kernel has dropped answers because the socket was full, or
// this one was longer than the buffer, which is larger now.
Conversation::Read Conversation::read(std::span<const char>& messages, std::error_code& error) {
    const ssize_t received = channel_.receive(room_);
    if (received < 0) {
        if (errno == EAGAIN) return Read::nothing;
        if (errno == ENOBUFS) return Read::lost;
        error = code_of(errno);
        return Read::failed;
    }
    const auto size = static_cast<std::size_t>(received);
    if (size > room_.size()) {
        room_.resize(size);
        return Read::lost;
    }
    messages = std::span<const char>(room_).first(size);
    return Read::messages;
}

bool Conversation::is_answer(const nlmsghdr* message, std::uint32_t first, std::uint32_t last) const {
    // Sequence numbers wrap around, so compare their distance.
    return message->nlmsg_pid == channel_.port() && message->nlmsg_seq - first <= last - first;
}

// Each read makes the kernel write the next part, so the dump is complete when there is nothing left to read.
void Conversation::finish_abandoned() {
    std::span<const char> messages;
    std::error_code ignored;
    for (Read last = Read::lost; abandoned_ && last != Read::nothing && last != Read::failed;)
        last = read(messages, ignored);
    abandoned_ = false;
}

std::error_code Conversation::ask(nlmsghdr* request, const Each& answer, const Each& other) {
    request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    const std::uint32_t number = request->nlmsg_seq = reserve(1);
    if (const auto error = send({reinterpret_cast<const char*>(request), request->nlmsg_len})) return error;
    for (;;) {
        std::span<const char> messages;
        std::error_code result;
        switch (read(messages, result)) {
            case Read::failed: return result;
            case Read::lost: return code_of(ENOBUFS);
            case Read::nothing:
                if (!channel_.wait(patience_)) return code_of(ETIMEDOUT);
                continue;
            case Read::messages: break;
        }
        bool done = false;
        for_each_message(messages, [&](const nlmsghdr* message) {
            if (!is_answer(message, number, number)) {
                if (other) other(message);
            } else if (message->nlmsg_type == NLMSG_ERROR) {
                done = true;
                result = code_of(error_of(message));
            } else if (answer) {
                answer(message);
            }
            return true;
        });
        if (done) return result;
    }
}

std::error_code Conversation::stream(nlmsghdr* request, const Each& each) {
    finish_abandoned();
    request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
    const std::uint32_t number = request->nlmsg_seq = reserve(1);
    if (const auto error = send({reinterpret_cast<const char*>(request), request->nlmsg_len})) return error;
    abandoned_ = true;  // until its end is there, also if `each` throws
    bool interrupted = false;
    for (;;) {
        std::span<const char> messages;
        std::error_code result;
        switch (read(messages, result)) {
            case Read::failed: return result;
            case Read::lost: return code_of(EINTR);
            case Read::nothing:
                if (!channel_.wait(patience_)) return code_of(ETIMEDOUT);
                continue;
            case Read::messages: break;
        }
        for_each_message(messages, [&](const nlmsghdr* message) {
            if (!is_answer(message, number, number)) return true;
            if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted = true;
            if (message->nlmsg_type != NLMSG_DONE && message->nlmsg_type != NLMSG_ERROR) {
                each(message);
                return true;
            }
            abandoned_ = false;
            result = code_of(error_of(message));
            return false;
        });
        if (!abandoned_) return !result && interrupted ? code_of(EINTR) : result;
    }
}

std::error_code Conversation::dump(nlmsghdr* request, const Each& each) {
    std::error_code error = code_of(EINTR);
    for (int attempt = 0; error.value() == EINTR && attempt < attempts; ++attempt) {
        kept_.clear();
        error = stream(request, [this](const nlmsghdr* message) {
            const auto* start = reinterpret_cast<const char*>(message);
            kept_.insert(kept_.end(), start, start + MNL_ALIGN(message->nlmsg_len));
        });
    }
    if (error) return error;
    for_each_message(kept_, [&](const nlmsghdr* message) {
        each(message);
        return true;
    });
    if (kept_.capacity() > most_kept) kept_ = {};
    return {};
}

void Conversation::answers(std::uint32_t first, std::uint32_t last, const EachUntil& each) {
    for (bool wanted = true; wanted;) {
        std::span<const char> messages;
        std::error_code error;
        const Read result = read(messages, error);
        if (result == Read::lost) continue;
        if (result != Read::messages) return;
        for_each_message(messages, [&](const nlmsghdr* message) {
            if (is_answer(message, first, last)) wanted = each(message);
            return wanted;
        });
    }
}

}  // namespace sipalg::netlink
