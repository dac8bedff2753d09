// Finds, reads and deletes conntrack entries.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "alg/kernel/element.hpp"
#include "alg/sys/netlink.hpp"

namespace sipalg::nft {

/// The counters of a flow in conntrack.
struct FlowCount {
    std::uint64_t packets = 0, bytes = 0;  ///< in the direction that was asked about
    std::uint64_t reply_packets = 0, reply_bytes = 0;
    friend bool operator==(const FlowCount&, const FlowCount&) = default;
};

/// Makes the kernel send no answer to this socket about a missing conntrack entry that should be deleted.
void leave_out_missing(int descriptor);

/// Requests about single entries in the conntrack table of this network namespace.
class Conntrack {
  public:
    Conntrack();  ///< Throws Error.
    explicit Conntrack(std::unique_ptr<netlink::Channel> channel);

    /// Deletes the entries that have one of `flows` as their original or reply direction, before it returns
    /// (C7). A flow without an entry is not an error. Sends the requests for all flows in one system call.
    /// Throws Error.
    void erase(std::span<const ConntrackTuple> flows);

    /// For each flow, whether an entry has it as its original or reply direction; true if the kernel does not
    /// answer. Throws Error.
    std::vector<bool> known(std::span<const ConntrackTuple> flows);

    /// The address of this flow's source as the other end sees it; either end may have opened the connection.
    /// nullopt: there is no such entry. Throws Error.
    std::optional<Address> public_address(const ConntrackTuple& flow);
    /// The counts of each flow; nullopt: it has no entry, or the entry has no counters (nf_conntrack_acct).
    /// Throws Error.
    std::vector<std::optional<FlowCount>> counts(std::span<const ConntrackTuple> flows);
    /// Calls `entry` for each of `flows` that has an entry. Throws Error.
    void read(std::span<const ConntrackTuple> flows, const std::function<void(const ConntrackEntry&)>& entry);

  private:
    struct Asked {
        std::uint32_t first = 0;  ///< sequence number of the first flow; the others follow
        bool any = false;         ///< false: no request could be sent
    };
    Asked ask(std::uint16_t type, std::span<const ConntrackTuple> flows, const char* action);
    /// Looks the flows up, and calls `take` with the number of the flow and each answer.
    void look_up(std::span<const ConntrackTuple> flows,
                 const std::function<void(std::size_t flow, const nlmsghdr* answer)>& take);

    std::unique_ptr<netlink::Channel> channel_;
    netlink::Conversation talk_;
    std::vector<char> requests_;
};

/// Reads the whole table. The kernel visits all its buckets, even if there are few entries.
class ConntrackDump {
  public:
    ConntrackDump();  ///< Throws Error.
    explicit ConntrackDump(std::unique_ptr<netlink::Channel> channel);

    /// Calls `entry` for every UDP entry, and every TCP one with `with_tcp`, whose `idle` is not valid; for
    /// IPv6 only with `with_ipv6`, because the kernel visits its table once for each family. An entry may be
    /// passed twice if the dump must be repeated. Throws Error.
    void read(const std::function<void(const ConntrackEntry&)>& entry, bool with_ipv6, bool with_tcp = false);

  private:
    std::unique_ptr<netlink::Channel> channel_;
    netlink::Conversation talk_;
};

}  // namespace sipalg::nft
