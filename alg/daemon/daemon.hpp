// The running daemon: its parts, and the dispatch of events to them.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/daemon/config/options.hpp"
#include "alg/daemon/control/answers.hpp"
#include "alg/daemon/control/control.hpp"
#include "alg/daemon/run/address_follower.hpp"
#include "alg/daemon/run/conntrack_scanner.hpp"
#include "alg/daemon/run/engine.hpp"
#include "alg/daemon/run/flow_renewal.hpp"
#include "alg/daemon/run/kept_state.hpp"
#include "alg/daemon/run/kernel_tables.hpp"
#include "alg/daemon/run/loop.hpp"
#include "alg/daemon/run/memory_return.hpp"
#include "alg/daemon/run/network.hpp"
#include "alg/daemon/run/packet_path.hpp"
#include "alg/daemon/run/privileges.hpp"
#include "alg/daemon/run/reload.hpp"
#include "alg/daemon/run/ruleset_guard.hpp"
#include "alg/daemon/run/socket_reader.hpp"
#include "alg/daemon/run/static_phones.hpp"
#include "alg/daemon/run/tls_watch.hpp"
#include "nft/conntrack.hpp"
#include "nft/monitor.hpp"
#include "nft/own_flows.hpp"
#include "nft/ruleset.hpp"

namespace sipalg::daemon {

/// Serves from construction to SIGTERM or SIGINT. SIGHUP reads the configuration again.
class Daemon : private AddressUser {
  public:
    /// Binds the queues, locks the table, opens the control socket and installs the rules. Throws UsageError,
    /// nft::Error or std::exception, after removing everything again.
    Daemon(const CommandLine& command_line, const Options& options);
    ~Daemon() override;
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Calls `serving` once, then serves packets. Returns after a clean stop with everything removed. Throws
    /// nft::Error if the rules can't be removed.
    void run(const std::function<void()>& serving);

  private:
    void add_to_loop();
    void give_up_privileges();
    void take_over_kernel_state();
    FlowRenewal find_old_flows(std::span<const StoredElement> stored, bool adopt);
    bool adopt(const FlowRenewal& flows, std::vector<StoredElement>& stored);
    void end_old_flows(const FlowRenewal& flows);
    void save_state();
    void stop();
    std::optional<Time> step(Time now);

    void on_scan();
    void on_sockets();
    void on_signal(int signal);
    void refresh_network(Time now);
    void note_latched(Time now);
    void publish_facts();

    Result<Reloaded> reload();
    void apply(const Options& wanted);
    bool set_forwards(const std::vector<PortForward>& forwards, Time now);
    void set_own_addresses();
    void set_own_sockets();
    void note_ipv6_delegates();

    // AddressUser
    const std::vector<EgressChooser::End>& ends() override { return network_.egress().ends(); }
    void set_external(const std::vector<Address>& external) override { network_.set_external(external); }
    std::vector<Egress> used() override { return engine_.egresses(); }
    bool renumber(std::span<const AddressChange> moves, Time now) override;
    void ends_changed() override;

    CommandLine command_line_;
    Options options_;
    Loop loop_;
    Network network_;
    nft::Ruleset ruleset_;
    nft::Monitor monitor_;
    nft::Conntrack conntrack_;
    nft::ConntrackDump dump_;  ///< for flow_reader_'s thread
    Access access_;
    std::optional<Identity> identity_;
    ControlSocket control_;
    State state_;
    KernelTables kernel_tables_;
    FactFeed feed_;
    Engine engine_;
    KeptState kept_;
    RulesetGuard guard_;
    std::atomic<bool> with_ipv6_{false};  ///< IPv6 was seen: flow_reader_ reads its entries as well
    nft::OwnFlows own_flows_;             ///< for flow_reader_'s thread
    FlowReader flow_reader_;
    ConntrackScanner scanner_;
    PacketPath packets_;  ///< before tls_watch_, so that an error about a queue names the first number
    TlsWatch tls_watch_;
    SocketReader socket_reader_;
    std::vector<Socket> own_sockets_;
    AddressFollower addresses_;
    StaticPhones static_phones_;
    MemoryReturn memory_;
    Answers answers_;
    bool network_failed_ = false;  ///< the last read of the interfaces failed, which was logged
    Time next_sockets_{0};
    Time next_latched_{0};
};

}  // namespace sipalg::daemon
