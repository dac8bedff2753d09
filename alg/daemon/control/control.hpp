// The control socket: one JSON request and one JSON document for each connection.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "alg/daemon/control/access.hpp"
#include "alg/daemon/control/fact_stream.hpp"
#include "alg/daemon/run/loop.hpp"
#include "alg/daemon/run/privileges.hpp"
#include "alg/sys/fd.hpp"

namespace sipalg::daemon {

/// A Unix stream socket at a path. Its mode is 0660 and its group is the control group; without a control
/// group the mode is 0600. With an admin group, whose members need not be in the control group, it is 0666,
/// and other users are refused by their credentials (X9). Never blocks: a client that does not read or write
/// in time is closed. Throws std::runtime_error if it can't be created there.
class ControlSocket {
  public:
    static constexpr std::size_t most_clients = 16;       ///< more wait in the backlog
    static constexpr std::size_t longest_request = 4096;  ///< bytes
    static constexpr Time patience{5000};  ///< for a whole request, and for each piece of a reply
    static constexpr Time pause{100};  ///< before it accepts again after running out of descriptors or memory

    /// Answers a request with a document. Runs in the loop, so it must be quick.
    using Answer = std::function<std::string(std::string_view request, const ControlClient& client)>;

    /// A client that reads facts until it disconnects.
    struct Subscription {
        std::string first;  ///< the line that tells it that the stream begins
        FactStream stream;
    };
    /// Whether the request begins a stream; nullopt: it is answered with a document.
    using Subscribe =
        std::function<std::optional<Subscription>(std::string_view request, const ControlClient& client)>;
    /// Called when the most that any client wants to read has changed.
    using Interested = std::function<void(facts::Interest interest)>;
    static constexpr std::size_t most_streams = 8;
    static constexpr std::size_t most_waiting = 4 << 20;  ///< bytes for one reader; facts beyond are counted

    /// Creates the socket, and its directory if that is missing. Both belong to `owner` if there is one, else
    /// to the user of the process. Replaces the socket of a killed daemon; throws if another daemon listens
    /// at the path, or if the path is another kind of file.
    explicit ControlSocket(std::string path, Access access = {}, std::optional<Identity> owner = {});
    ~ControlSocket();  ///< removes the path if the user of the process may write to its directory
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

    void serve(Loop& loop, Answer answer);
    void serve_streams(Subscribe subscribe, Interested interested);
    /// Sends facts to the readers, and the number of facts that were lost before these. Never waits for a
    /// reader.
    void publish(std::span<const facts::Fact> facts, std::uint64_t lost, const ClockPair& clocks);
    std::size_t streams() const;
    /// Closes clients that are too slow, and accepts again after a pause. Returns the time of the next call;
    /// nullopt: after the next client.
    std::optional<Time> advance(Time now);
    std::size_t clients() const { return clients_.size(); }

  private:
    struct Client {
        Fd fd;
        ControlClient who;
        Time deadline{0};
        std::string request;
        std::string reply;
        std::size_t sent = 0;
        bool answered = false;
        std::optional<FactStream> stream;
        std::uint64_t lost = 0;  ///< facts since the last line that was sent
    };
    using Clients = std::list<Client>;

    void accept_clients();
    void accept_more(bool wanted);  ///< the loop calls accept_clients() when a client connects
    void on_client(Clients::iterator client, std::uint32_t events);
    bool begin_stream(Client& client, std::string_view request);
    bool serve_stream(Client& client, std::uint32_t events);
    bool read_request(Client& client);
    bool write_reply(Client& client);
    void update_interest();
    void close_client(Clients::iterator client);

    void make_directory() const;
    void set_permissions() const;

    std::string path_;
    Access access_;
    std::optional<Identity> owner_;
    Fd listener_;
    Loop* loop_ = nullptr;
    Answer answer_;
    Subscribe subscribe_;
    Interested interested_;
    facts::Interest interest_ = facts::Interest::nothing;  ///< that interested_ was last called with
    Clients clients_;
    bool listening_ = false;  ///< see accept_more()
    std::optional<Time> paused_until_;
};

}  // namespace sipalg::daemon
