#include "alg/daemon/control/control.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "alg/base/earliest.hpp"

namespace sipalg::daemon {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
    throw std::runtime_error("control socket " + path + ": " + what);
}

sockaddr_un socket_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        refuse(path, "path too long; choose a shorter one with --control");
    std::copy(path.begin(), path.end(), address.sun_path);
    return address;
}

Fd unix_socket() {
    return Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void remove_stale_socket(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0) return;
    if (!S_ISSOCK(status.st_mode)) refuse(path, "is not a socket; choose another path with --control");
    const Fd probe = unix_socket();
    const bool in_use =
        connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno == EAGAIN;
    if (in_use)
        refuse(path, "another sipalgd is using it; stop that one or choose another path with --control");
    if (errno != ECONNREFUSED || unlink(path.c_str()) != 0) refuse(path, std::strerror(errno));
}

}  // namespace

// A directory of our own is for the daemon's user and those who may use the socket. Where there is an admin
// group beside the control group, others may pass through it.
void ControlSocket::make_directory() const {
    const std::filesystem::path parent = std::filesystem::path(path_).parent_path();
    // bind() fails if the directory is still missing.
    if (parent.empty() || mkdir(parent.c_str(), owner_ ? 0700 : 0755) != 0 || !owner_) return;
    const bool given = chown(parent.c_str(), owner_->user, access_.control.value_or(owner_->group)) == 0;
    if (!given || chmod(parent.c_str(), access_.admin ? 0751 : 0750) != 0)
        refuse(path_,
               std::string("cannot give its directory to the user of sipalgd: ") + std::strerror(errno));
}

ControlSocket::ControlSocket(std::string path, Access access, std::optional<Identity> owner)
    : path_(std::move(path)), access_(access), owner_(owner), listener_(unix_socket()) {
    const sockaddr_un address = socket_address(path_);
    make_directory();
    remove_stale_socket(path_, address);
    // X9: the mode must be correct from the beginning, because any user could connect between bind() and
    // chmod().
    const mode_t before = umask(0177);
    const bool bound =
        listener_ && bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const int error = errno;
    umask(before);
    if (!bound) refuse(path_, std::string(std::strerror(error)) + "; choose another path with --control");
    try {
        set_permissions();
        if (listen(listener_.get(), most_clients) != 0) refuse(path_, std::strerror(errno));
    } catch (...) {
        unlink(path_.c_str());
        throw;
    }
}

void ControlSocket::set_permissions() const {
    constexpr auto unchanged = static_cast<uid_t>(-1);
    const gid_t own_group = owner_ ? owner_->group : getegid();
    const gid_t group = access_.control.value_or(own_group);
    if ((owner_ || group != getegid()) && chown(path_.c_str(), owner_ ? owner_->user : unchanged, group) != 0)
        refuse(path_, std::string("cannot give it to the control group: ") + std::strerror(errno));
    const mode_t mode = access_.admin ? 0666 : access_.control ? 0660 : 0600;
    if (chmod(path_.c_str(), mode) != 0) refuse(path_, std::strerror(errno));
}

ControlSocket::~ControlSocket() {
    while (!clients_.empty())
        close_client(clients_.begin());
    if (loop_ != nullptr) loop_->remove(listener_.get());
    unlink(path_.c_str());
}

void ControlSocket::serve(Loop& loop, Answer answer) {
    loop_ = &loop;
    answer_ = std::move(answer);
    loop.add(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept_clients(); });
    listening_ = true;
}

void ControlSocket::accept_more(bool wanted) {
    if (wanted == listening_) return;
    loop_->change(listener_.get(), wanted ? std::uint32_t{EPOLLIN} : 0U);
    listening_ = wanted;
}

std::optional<Time> ControlSocket::advance(Time now) {
    if (paused_until_ && now >= *paused_until_) {
        paused_until_.reset();
        accept_more(true);
    }
    std::optional<Time> next;
    for (auto client = clients_.begin(); client != clients_.end();) {
        const auto current = client++;
        if (current->deadline <= now)
            close_client(current);
        else
            next = earliest({next, current->deadline});
    }
    return earliest({next, paused_until_});
}

void ControlSocket::accept_clients() {
    while (clients_.size() < most_clients) {
        Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fd) {
            // The client stays in the backlog, and the listener stays readable, so the loop would not sleep.
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                paused_until_ = loop_->now() + pause;
                accept_more(false);
            }
            return;
        }
        const auto who = client_of(fd.get());
        if (!who || !access_.may_read(*who)) {
            static constexpr std::string_view refusal =
                "{\"error\":\"permission denied; only root and the members of --control-group and "
                "--admin-group may query sipalgd\"}\n";
            // Best effort: a fresh socket has room for it.
            static_cast<void>(send(fd.get(), refusal.data(), refusal.size(), MSG_NOSIGNAL));
            continue;
        }
        const auto client = clients_.insert(clients_.end(), Client{});
        client->fd = std::move(fd);
        client->who = *who;
        client->deadline = loop_->now() + patience;
        loop_->add(client->fd.get(), EPOLLIN,
                   [this, client](std::uint32_t events) { on_client(client, events); });
    }
    // The others wait in the backlog until a client is closed.
    accept_more(false);
}

void ControlSocket::on_client(Clients::iterator client, std::uint32_t events) {
    const bool open = client->stream     ? serve_stream(*client, events)
                      : client->answered ? write_reply(*client)
                                         : read_request(*client);
    if (!open) close_client(client);
}

bool ControlSocket::read_request(Client& client) {
    std::array<char, 1024> buffer{};
    const ssize_t size = recv(client.fd.get(), buffer.data(), buffer.size(), 0);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    client.request.append(buffer.data(), static_cast<std::size_t>(size));
    // A request ends with its line, or with the end of the stream.
    const std::size_t end = client.request.find('\n');
    if (end == std::string::npos && size != 0) return client.request.size() <= longest_request;
    if (begin_stream(client, std::string_view(client.request).substr(0, end))) return true;
    client.reply = answer_(std::string_view(client.request).substr(0, end), client.who) + "\n";
    client.answered = true;
    loop_->change(client.fd.get(), EPOLLOUT);
    return write_reply(client);
}

bool ControlSocket::write_reply(Client& client) {
    while (client.sent < client.reply.size()) {
        const ssize_t size = send(client.fd.get(), client.reply.data() + client.sent,
                                  client.reply.size() - client.sent, MSG_NOSIGNAL);
        if (size < 0) return errno == EAGAIN || errno == EINTR;
        client.sent += static_cast<std::size_t>(size);
        client.deadline = loop_->now() + patience;
    }
    return false;
}

void ControlSocket::serve_streams(Subscribe subscribe, Interested interested) {
    subscribe_ = std::move(subscribe);
    interested_ = std::move(interested);
}

std::size_t ControlSocket::streams() const {
    return static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(),
                                                  [](const Client& one) { return one.stream.has_value(); }));
}

bool ControlSocket::begin_stream(Client& client, std::string_view request) {
    if (!subscribe_ || streams() >= most_streams) return false;
    auto subscription = subscribe_(request, client.who);
    if (!subscription) return false;
    client.stream = std::move(subscription->stream);
    client.reply = subscription->first + "\n";
    client.answered = true;
    client.deadline = Time::max();
    loop_->change(client.fd.get(), EPOLLIN | EPOLLOUT);
    update_interest();
    return true;
}

void ControlSocket::update_interest() {
    auto most = facts::Interest::nothing;
    for (const Client& client : clients_)
        if (client.stream) most = std::max(most, client.stream->interest());
    if (most == interest_) return;
    interest_ = most;
    interested_(most);
}

bool ControlSocket::serve_stream(Client& client, std::uint32_t events) {
    if ((events & ~std::uint32_t{EPOLLOUT}) != 0) {
        std::array<char, 256> ignored{};
        const ssize_t size = recv(client.fd.get(), ignored.data(), ignored.size(), 0);
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return false;
    }
    while (client.sent < client.reply.size()) {
        const ssize_t size = send(client.fd.get(), client.reply.data() + client.sent,
                                  client.reply.size() - client.sent, MSG_NOSIGNAL);
        if (size < 0) return errno == EAGAIN || errno == EINTR;
        client.sent += static_cast<std::size_t>(size);
    }
    client.reply.clear();
    client.sent = 0;
    loop_->change(client.fd.get(), EPOLLIN);
    return true;
}

void ControlSocket::publish(std::span<const facts::Fact> facts, std::uint64_t lost, const ClockPair& clocks) {
    for (Client& client : clients_) {
        if (!client.stream) continue;
        const bool idle = client.reply.empty();
        client.lost += lost;
        for (const facts::Fact& fact : facts) {
            if (client.reply.size() - client.sent > most_waiting) {
                ++client.lost;
                continue;
            }
            const std::string line = client.stream->line(fact, clocks);
            if (line.empty()) continue;
            if (client.lost > 0)
                client.reply += "{\"type\":\"lost\",\"count\":" + std::to_string(client.lost) + "}\n";
            client.lost = 0;
            client.reply += line + '\n';
        }
        if (client.sent > most_waiting) {
            client.reply.erase(0, client.sent);
            client.sent = 0;
        }
        if (idle && !client.reply.empty()) loop_->change(client.fd.get(), EPOLLIN | EPOLLOUT);
    }
}

void ControlSocket::close_client(Clients::iterator client) {
    loop_->remove(client->fd.get());
    clients_.erase(client);
    update_interest();
    paused_until_.reset();
    if (loop_ != nullptr) accept_more(true);
}

}  // namespace sipalg::daemon
