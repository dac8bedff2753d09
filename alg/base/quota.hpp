// Counts the entries of each host, so that no host can fill a table (X7).
#pragma once

#include <algorithm>
#include <cstddef>

#include "alg/base/hosts.hpp"
#include "alg/base/staged_map.hpp"
#include "alg/net/address.hpp"

namespace sipalg {

// A part of each total is reserved for proven phones (X11) that use little themselves, even if their
// link-layer neighbour uses much.

/// The part of a share that each proven phone has for itself.
inline std::size_t guaranteed(std::size_t share) {
    return std::max(share / 16, std::size_t{1});
}
/// Whether a table with `size` of `limit` entries has room for one more.
inline bool has_room(std::size_t size, std::size_t limit, bool is_guaranteed) {
    return size < (is_guaranteed ? limit : limit - limit / 8);
}

/// Used for phones, which are counted for hosts, and without Hosts for peers. Changes are staged (law 4).
class Quota {
  public:
    Quota() = default;
    explicit Quota(const Hosts& hosts) : hosts_(&hosts) {}

    /// Entries of the address itself.
    std::size_t of(const Address& address) const {
        const Own* own = own_.find(address);
        return own ? own->count : 0;
    }
    /// Entries of all addresses of its host.
    std::size_t of_host(const Address& address) const { return shared(host_of(address)); }
    /// Entries of all hosts. Linear in the number of hosts.
    std::size_t total() const {
        std::size_t sum = 0;
        for (const auto& [host, count] : shared_)
            sum += count;
        return sum;
    }
    /// The entries of the host with the most. Linear in the number of hosts.
    std::size_t largest() const {
        std::size_t most = 0;
        for (const auto& [host, count] : shared_)
            most = std::max(most, count);
        return most;
    }
    /// Whether the address is proven, and one more entry is within its guaranteed part.
    bool is_guaranteed(const Address& address, std::size_t share) const {
        return hosts_ && of(address) < guaranteed(share) && hosts_->is_proven(address);
    }
    /// Whether the address may have one more entry. `share`: the limit of its host.
    bool has_room(const Address& address, std::size_t share) const {
        return of_host(address) < share || is_guaranteed(address, share);
    }

    void more(const Address& address) { set(address, of(address) + 1); }
    /// Subtracts one; a count of zero stays zero.
    void fewer(const Address& address) {
        if (const std::size_t count = of(address); count > 0) set(address, count - 1);
    }
    void commit() {
        own_.commit();
        shared_.commit();
    }
    void cancel() {
        own_.cancel();
        shared_.cancel();
    }

  private:
    struct Own {
        std::size_t count = 0;
        Address host;  ///< the host that they are counted for
    };

    Address host_of(const Address& address) const { return hosts_ ? hosts_->of(address) : address; }
    std::size_t shared(const Address& host) const {
        const std::size_t* count = shared_.find(host);
        return count ? *count : 0;
    }
    void set_shared(const Address& host, std::size_t count) {
        if (std::size_t* known = shared_.edit(host); known && count > 0)
            *known = count;
        else if (count > 0)
            shared_.put(host, count);
        else
            shared_.erase(host);
    }
    // The address may have moved to another host since it was counted.
    void set(const Address& address, std::size_t count) {
        const Address host = host_of(address);
        Own* known = own_.edit(address);
        const Own before = known ? *known : Own{0, host};
        if (before.host != host) set_shared(before.host, shared(before.host) - before.count);
        set_shared(host, shared(host) + count - (before.host == host ? before.count : 0));
        if (count == 0)
            own_.erase(address);
        else if (known)
            *known = {count, host};
        else
            own_.put(address, {count, host});
    }

    const Hosts* hosts_ = nullptr;
    StagedMap<Address, Own> own_;
    StagedMap<Address, std::size_t> shared_;
};

}  // namespace sipalg
