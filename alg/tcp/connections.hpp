// The TCP connections that are read.
//
// Theory of operation. A connection is read from its SYN on, or not at all (T4). A packet takes three steps.
// arrive() reads the messages that it completes and stages their changes. The kernel applies the changes or
// refuses. conclude() gives verdicts to the packet and to packets that were queued before it. Nothing is sent
// before conclude(), and arrive() can be cancelled until then. expire() is followed by conclude() too.
//
// A segment whose changes share a transaction with those of others (P4) is concluded before the kernel has
// answered, so that the next segment of its connection finds the numbers that this one leaves. Its connection
// is copied before its first such segment, and cancel() puts the copy back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "alg/base/deadline_queue.hpp"
#include "alg/net/packet.hpp"
#include "alg/policy/policy.hpp"
#include "alg/policy/reason.hpp"
#include "alg/tcp/connection.hpp"
#include "alg/tcp/half_open.hpp"
#include "alg/tcp/message_sink.hpp"
#include "alg/tcp/output.hpp"
#include "alg/tcp/step.hpp"
#include "alg/tcp/usage.hpp"

namespace sipalg::tcp {

/// A packet of TCP as it was queued. Its bytes are valid until conclude().
struct ArrivedPacket {
    Side from = Side::inside;
    Bytes bytes;
    const Packet& packet;
    Egress egress;
    bool answered = false;    ///< the questions of this packet were answered
    std::uint64_t token = 0;  ///< names the packet in Output
};

/// The results of arrive() and expire(): staged changes, and a reason for each message.
struct Staged {
    std::vector<Change>& changes;
    std::vector<Reason>& reasons;
};

class Connections {
  public:
    Connections(const Policy& policy, const Hosts& hosts)
        : policy_(policy), hosts_(hosts), usage_(policy, hosts) {}

    [[nodiscard]] Step arrive(const ArrivedPacket& arrived, MessageSink& sink, Time now, Staged staged);
    /// `in_force`: the kernel has applied the changes. A packet that no output names stays queued.
    void conclude(const Step& step, bool in_force, Time now, std::vector<Output>& outputs);

    /// P4: whether cancel() can take back what arrive() and stage() do with the packet. Not for segments that
    /// begin or end a connection, and not for those of a connection whose copy would be long: they are rare.
    bool can_stage(const ConnectionKey& key, Bytes bytes, const Packet& packet) const;
    /// Prepares the connection of a packet for stage(). Call it before arrive().
    void keep(const ConnectionKey& key);
    /// As conclude(), before the kernel has answered and as if it had accepted. The outputs must not be
    /// carried out before commit(); cancel() takes everything back.
    void stage(const Step& step, Time now, std::vector<Output>& outputs) {
        carry_out(step, true, now, outputs);
    }

    /// Handles the timers: local acknowledgements, retransmissions, incomplete messages and ended
    /// connections. Packets that need no change in the kernel are added to `outputs` at once.
    [[nodiscard]] Step expire(MessageSink& sink, Time now, Staged staged, std::vector<Output>& outputs);
    std::optional<Time> next_deadline() const { return deadlines_.next(); }
    /// For tests: the number of deadlines.
    std::size_t deadlines() const { return deadlines_.size(); }

    /// Resets every connection that needs the daemon (T4).
    void reset_moved(Time now, std::vector<Output>& outputs);

    /// Restores a connection. False: not the record of a connection, or a second one for the same key.
    [[nodiscard]] bool restore(const StoredRecord& record, MessageSink& sink, Time now,
                               std::vector<Change>& changes);
    /// Adds an addition for each element that the kernel should have.
    void list(std::vector<Change>& changes) const;

    const Usage& usage() const { return usage_; }
    std::size_t half_open() const { return half_open_.size(); }
    /// The undelivered bytes of the direction with the most. Linear in the number of connections.
    std::size_t largest_undelivered() const;
    const auto& all() const { return connections_; }
    /// nullptr: the connection is not read.
    const Connection* find(const ConnectionKey& key) const;

    void commit() {
        kept_.clear();
        deadlines_.commit();
    }
    void cancel();
    /// See State::shrink().
    void shrink() {
        connections_.rehash(0);
        deadlines_.shrink();
        half_open_.shrink();
    }

  private:
    Connection* lookup(const ConnectionKey& key);
    bool is_kept(const ConnectionKey& key) const;
    void arrive_syn(const ArrivedPacket& arrived, const Segment& segment, MessageSink& sink, Time now,
                    Staged staged, Step& step);
    void open(Side from, const Segment& syn, const Egress& egress, MessageSink& sink, Time now, Staged staged,
              Step& step);
    void read(Connection& connection, bool answered, MessageSink& sink, Time now, Staged staged, Step& step);
    /// Makes room for one more connection, if necessary by removing a half-open one. False: no room.
    bool make_room(Side opener, MessageSink& sink, Time now, Staged staged, Step& step) const;
    /// X7: the host for which a connection is counted, by the side that sent the SYN.
    Address host_of(const ConnectionKey& key, Side opener) const;
    void end(const Connection& connection, MessageSink& sink, Time now, Staged staged, Step& step) const;

    void forget(const ConnectionKey& key, std::vector<Output>& outputs);
    void carry_out(const Step& step, bool in_force, Time now, std::vector<Output>& outputs);

    void run_timers(Connection& connection, MessageSink& sink, Time now, Staged staged, Step& step,
                    std::vector<Output>& outputs);
    void schedule(const Connection& connection, Time now);
    void account(Connection& connection);

    const Policy& policy_;
    const Hosts& hosts_;
    std::unordered_map<ConnectionKey, Connection, ConnectionKeyHash> connections_;
    DeadlineQueue<ConnectionKey, ConnectionKeyHash> deadlines_;
    Usage usage_;
    HalfOpen half_open_;
    std::vector<Connection> kept_;  ///< as they were before stage(), each once
};

}  // namespace sipalg::tcp
