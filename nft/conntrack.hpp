// Conntrack entries: found, read and deleted; never made.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "alg/kernel/element.hpp"
#include "alg/sys/netlink.hpp"

namespace sipalg::nft {

/// Questions about single entries of this network namespace's conntrack table.
class Conntrack {
  public:
    Conntrack();  ///< Throws Error.
    explicit Conntrack(std::unique_ptr<netlink::Channel> channel);

    /// Deletes the entries that have one of `flows` as their original or reply direction, before it returns
    /// (C7). A flow without an entry is no error. All flows go in one system call. Throws Error.
    void erase(std::span<const ConntrackTuple> flows);

    /// For each flow, whether an entry has it as its original or reply direction; true where the kernel does
    /// not say. Throws Error.
    std::vector<bool> known(std::span<const ConntrackTuple> flows);

  private:
    struct Asked {
        std::uint32_t first = 0;  ///< sequence number of the first flow; the others follow
        bool any = false;         ///< false: no flow could be asked about
    };
    Asked ask(std::uint16_t type, std::span<const ConntrackTuple> flows, const char* action);

    std::unique_ptr<netlink::Channel> channel_;
    netlink::Conversation talk_;
    std::vector<char> requests_;
};

/// Reads the whole table. The kernel walks all its buckets for that, however few entries there are.
class ConntrackDump {
  public:
    ConntrackDump();  ///< Throws Error.
    explicit ConntrackDump(std::unique_ptr<netlink::Channel> channel);

    /// Calls `entry` for every UDP entry; IPv6 entries only with `with_ipv6`, since the kernel walks its
    /// table once for each family. An entry may come twice when the kernel makes us start again. Throws
    /// Error.
    void read(const std::function<void(const ConntrackEntry&)>& entry, bool with_ipv6);

  private:
    std::unique_ptr<netlink::Channel> channel_;
    netlink::Conversation talk_;
};

}  // namespace sipalg::nft
