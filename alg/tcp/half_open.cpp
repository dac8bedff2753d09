#include "alg/tcp/half_open.hpp"

#include <algorithm>
#include <iterator>

namespace sipalg::tcp {

Address HalfOpen::host_of(const ConnectionKey& key, Side opener) {
    const Address& address = key.end(opener).address;
    if (address.is_v4()) return address;
    auto bytes = address.bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return Address::v6(bytes);
}

void HalfOpen::add(const ConnectionKey& key, Side opener) {
    if (by_key_.contains(key)) return;
    const Address host = host_of(key, opener);
    Keys& keys = by_host_[host];
    keys.push_back(key);
    by_key_.emplace(key, Place{host, std::prev(keys.end())});
}

void HalfOpen::remove(const ConnectionKey& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    const auto host = by_host_.find(found->second.host);
    host->second.erase(found->second.position);
    if (host->second.empty()) by_host_.erase(host);
    by_key_.erase(found);
}

std::optional<ConnectionKey> HalfOpen::oldest_of_largest() const {
    const auto largest = std::max_element(by_host_.begin(), by_host_.end(), [](const auto& a, const auto& b) {
        return a.second.size() < b.second.size();
    });
    return largest == by_host_.end() ? std::nullopt : std::optional(largest->second.front());
}

std::optional<ConnectionKey> HalfOpen::oldest_of(const Address& host) const {
    const auto found = by_host_.find(host);
    return found == by_host_.end() ? std::nullopt : std::optional(found->second.front());
}

}  // namespace sipalg::tcp
