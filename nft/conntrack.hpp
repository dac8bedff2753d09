// Conntrack entries: looked at and deleted, never made.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "alg/kernel/element.hpp"
#include "nft/link.hpp"

namespace sipalg::nft {

/// Access to the conntrack table of this network namespace. Throws nft::Error when it can't be opened.
class Conntrack {
  public:
    Conntrack();
    ~Conntrack();
    Conntrack(const Conntrack&) = delete;
    Conntrack& operator=(const Conntrack&) = delete;

    /// Deletes the entries that have one of `flows` as their original or reply direction, before it returns.
    /// Entries that do not exist are no error. All flows go in one system call.
    void erase(std::span<const ConntrackTuple> flows);

    /// Of each flow, whether there is an entry that has it as its original or reply direction. Where that
    /// can't be told, true.
    std::vector<bool> known(std::span<const ConntrackTuple> flows);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Reads the whole table, which takes as long as its buckets are many. Throws nft::Error.
class ConntrackDump {
  public:
    ConntrackDump();
    ~ConntrackDump();
    ConntrackDump(const ConntrackDump&) = delete;
    ConntrackDump& operator=(const ConntrackDump&) = delete;

    /// Calls `entry` for every UDP entry, those of IPv6 if `with_ipv6`: the kernel walks its table for each
    /// family. Some may come twice if it lets the reading begin anew.
    void read(const std::function<void(const ConntrackEntry&)>& entry, bool with_ipv6);

  private:
    /// False: the kernel was busy, nothing is lost by another try.
    bool read_once(const std::function<void(const ConntrackEntry&)>& entry, std::uint8_t family);

    NetlinkSocket socket_;
    std::vector<char> receive_;
    std::uint32_t sequence_ = 1;
};

}  // namespace sipalg::nft
