// The running daemon: all parts together, from the first rule to the last.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "alg/core/door.hpp"
#include "alg/daemon/config/options.hpp"
#include "alg/daemon/control/control.hpp"
#include "alg/daemon/control/json.hpp"
#include "alg/daemon/run/address_tracker.hpp"
#include "alg/daemon/run/conntrack_scanner.hpp"
#include "alg/daemon/run/engine.hpp"
#include "alg/daemon/run/injector.hpp"
#include "alg/daemon/run/kernel_tables.hpp"
#include "alg/daemon/run/loop.hpp"
#include "alg/daemon/run/network.hpp"
#include "alg/daemon/run/postponed.hpp"
#include "alg/daemon/run/queue.hpp"
#include "alg/daemon/run/ruleset_guard.hpp"
#include "alg/daemon/run/socket_reader.hpp"
#include "alg/daemon/run/sockets.hpp"
#include "alg/daemon/run/static_phones.hpp"
#include "alg/daemon/run/tls_watch.hpp"
#include "nft/conntrack.hpp"
#include "nft/monitor.hpp"
#include "nft/ruleset.hpp"

namespace sipalg::daemon {

/// What the kernel shall hold for these options.
nft::Settings ruleset_settings(const Options& options, const std::vector<std::string>& outside);

/// Serves from construction to SIGTERM or SIGINT. SIGHUP reads the configuration again.
class Daemon {
  public:
    /// Takes queue, table, and control socket, and installs the rules. Throws UsageError, nft::Error or
    /// std::exception; then nothing of it stays.
    Daemon(const CommandLine& command_line, const Options& options);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Packets are served from now on; calls `serving` once, first. Returns after a clean stop with
    /// everything removed. Throws nft::Error if the rules can't be removed.
    void run(const std::function<void()>& serving);

  private:
    void on_packet(const QueuedPacket& packet, Verdict& verdict);
    void give_verdict(Arrival arrival, Verdict& verdict);
    void carry(const Output& output);
    void flush();  ///< the verdicts that were given outside of Queue::receive()
    void on_flows();
    void on_network();
    void on_signal(int signal);
    std::optional<Time> step(Time now);
    void know_own();  ///< addresses and sockets of the router itself
    void know_families();
    void set_treatments(const Treatments& treatments);
    void learn(Time now);
    bool follow_addresses();
    void set_external(const std::vector<Address>& external);
    void reload();
    void stop();
    std::string answer(std::string_view request);
    Json status();

    CommandLine command_line_;
    Options options_;
    Loop loop_;
    Time started_;
    Network network_;
    nft::Ruleset ruleset_;
    nft::Monitor monitor_;
    nft::Conntrack conntrack_;
    nft::ConntrackDump dump_;  // the reader's
    ControlSocket control_;
    Queue queue_;
    Queue shifted_queue_;
    Injector injector_;
    State state_;
    KernelTables kernel_tables_;
    Engine engine_;
    RulesetGuard guard_;
    TlsWatch tls_watch_;
    std::atomic<bool> with_ipv6_{false};  ///< IPv6 was met: the reader looks at its flows as well
    FlowReader reader_;
    ConntrackScanner scanner_;
    SocketReader socket_reader_{own_sockets};
    std::vector<Socket> own_sockets_;
    PostponedPackets postponed_;  // after the queue, which outlives its verdicts
    std::unordered_map<std::uint64_t, Verdict>
        held_;  ///< segments that wait for the rest of a message, by token
    std::uint64_t last_token_ = 0;
    AddressTracker address_tracker_;
    StaticPhones listener_;
    std::optional<Time> next_move_;                        ///< the kernel has refused one
    std::optional<std::vector<Address>> external_to_set_;  ///< for the same reason not in force yet
    std::vector<Address> external_;                        ///< those in force
    bool network_failed_ = false;  ///< which has been logged
    Time next_sockets_{0};
    Time next_learning_{0};
};

}  // namespace sipalg::daemon
