#include "alg/nat/old_endpoints.hpp"

#include <vector>

#include "alg/policy/timing.hpp"

namespace sipalg::nat {

void OldEndpoints::count(const Entry& entry, const Address& host, bool more) {
    const Host key{host, entry.mapping.outside};
    const std::size_t* known = hosts_.find(key);
    const std::size_t before = known ? *known : 0;
    if (more || before > 1)
        hosts_.put(key, more ? before + 1 : before - 1);
    else
        hosts_.erase(key);
}

void OldEndpoints::add(const Socket& shown, const MappingKey& mapping, Time until) {
    const Entry* known = table_.find(shown);
    if (!known && table_.size() >= most_) return;
    if (known && known->mapping == mapping && known->until >= until) return;
    if (known) count(*known, shown.endpoint.address, false);
    const Entry entry{mapping, until};
    count(entry, shown.endpoint.address, true);
    table_.put(shown, entry);
    deadlines_.schedule(shown, until);
}

bool OldEndpoints::knows(const Address& host, const Address& outside) const {
    return table_.size() > 0 && hosts_.contains(Host{host, outside});
}

void OldEndpoints::renumber(const Renumbering& renumbering) {
    std::vector<Socket> moving;
    for (const auto& [shown, entry] : table_)
        for (const AddressChange& move : renumbering.moves())
            if (entry.mapping.outside == move.from && move.from != move.to.address) moving.push_back(shown);
    for (const Socket& shown : moving) {
        Entry& entry = *table_.edit(shown);
        count(entry, shown.endpoint.address, false);
        for (const AddressChange& move : renumbering.moves()) {
            if (entry.mapping.outside != move.from) continue;
            entry.mapping.outside = move.to.address;
            break;
        }
        count(entry, shown.endpoint.address, true);
    }
}

void OldEndpoints::expire(Time now) {
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto shown = deadlines_.take_due(now);
        if (!shown) return;
        count(*table_.find(*shown), shown->endpoint.address, false);
        table_.erase(*shown);
    }
}

void OldEndpoints::commit() {
    table_.commit();
    hosts_.commit();
    deadlines_.commit();
}

void OldEndpoints::cancel() {
    table_.cancel();
    hosts_.cancel();
    deadlines_.cancel();
}

void add_old_endpoint(std::vector<Endpoint>& old, const Endpoint& shown, const Endpoint& present) {
    std::erase(old, shown);
    old.push_back(shown);
    std::erase(old, present);
    if (old.size() > max_old_endpoints) old.erase(old.begin());
}

}  // namespace sipalg::nat
