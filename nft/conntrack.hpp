// Conntrack entries: looked at and deleted, never made.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "alg/pinhole.hpp"

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
    void erase(std::span<const Flow> flows);

    /// Asks for all IPv4 UDP entries without waiting for them. They arrive in pieces whenever descriptor() is
    /// readable; read_dump() hands each to `entry` and returns true once the last one was handed out.
    /// Call begin_dump() again only after that.
    void begin_dump();
    bool read_dump(const std::function<void(const FlowSeen&)>& entry);
    bool dumping() const;
    int descriptor() const;  ///< for epoll; owned by this object

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sipalg::nft
