// Keys in order of arrival, grouped by the host that they are counted for (X7).
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "alg/net/address.hpp"

namespace sipalg {

/// The host that an address counts as: an IPv4 address as itself, an IPv6 one as its /64.
inline Address host_of(const Address& address) {
    if (address.is_v4()) return address;
    auto bytes = address.bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return Address::v6(bytes);
}

/// One queue for each host, the oldest key first. When the table is full, its user removes the oldest key of
/// the host with the most keys, so that no host can displace another.
template <class Key, class Hash = std::hash<Key>, class Equal = std::equal_to<>>
class HostQueues {
  public:
    using Keys = std::list<Key>;

    /// No effect if the key exists.
    void add(const Key& key, const Address& host) {
        if (by_key_.contains(key)) return;
        Keys& keys = by_host_[host];
        by_key_.emplace(key, Place{host, keys.insert(keys.end(), key)});
    }
    /// Undoes a removal: the key becomes the oldest of its host again. No effect if it exists.
    void add_oldest(const Key& key, const Address& host) {
        if (by_key_.contains(key)) return;
        Keys& keys = by_host_[host];
        by_key_.emplace(key, Place{host, keys.insert(keys.begin(), key)});
    }
    /// The host that the key was counted for; nullopt: there was no such key.
    std::optional<Address> remove(const Key& key) {
        const auto found = by_key_.find(key);
        if (found == by_key_.end()) return std::nullopt;
        const Place place = found->second;
        const auto host = by_host_.find(place.host);
        host->second.erase(place.position);
        if (host->second.empty()) by_host_.erase(host);
        by_key_.erase(found);
        return place.host;
    }
    bool contains(const Key& key) const { return by_key_.contains(key); }
    /// The host that the key is counted for; nullptr: there is no such key.
    const Address* host(const Key& key) const {
        const auto found = by_key_.find(key);
        return found == by_key_.end() ? nullptr : &found->second.host;
    }
    std::size_t size() const { return by_key_.size(); }
    /// Frees the buckets that keys before have left.
    void shrink() {
        by_host_.rehash(0);
        by_key_.rehash(0);
    }

    /// The keys of a host; nullptr: it has none.
    const Keys* of(const Address& host) const {
        const auto found = by_host_.find(host);
        return found == by_host_.end() ? nullptr : &found->second;
    }
    /// The number of keys of the host with the most. Linear in the number of hosts.
    std::size_t largest() const {
        std::size_t most = 0;
        for (const auto& [host, keys] : by_host_)
            most = std::max(most, keys.size());
        return most;
    }
    /// The oldest key of the host with the most keys; nullopt: the table is empty. Linear in the number of
    /// hosts.
    std::optional<Key> oldest_of_largest() const {
        const auto largest =
            std::max_element(by_host_.begin(), by_host_.end(),
                             [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
        return largest == by_host_.end() ? std::nullopt : std::optional(largest->second.front());
    }

  private:
    struct Place {
        Address host;
        typename Keys::iterator position;
    };
    std::unordered_map<Address, Keys> by_host_;
    std::unordered_map<Key, Place, Hash, Equal> by_key_;
};

}  // namespace sipalg
