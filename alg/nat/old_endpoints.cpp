#include "alg/nat/old_endpoints.hpp"

#include <vector>

#include "alg/policy/timing.hpp"

namespace sipalg::nat {

void OldEndpoints::count(const Former& former, const Address& host, bool more) {
    const Host key{host, former.mapping.outside};
    const std::size_t* known = hosts_.find(key);
    const std::size_t before = known ? *known : 0;
    if (more || before > 1)
        hosts_.put(key, more ? before + 1 : before - 1);
    else
        hosts_.erase(key);
}

void OldEndpoints::add(const Socket& shown, const MappingKey& mapping, Time until) {
    const Former* known = table_.find(shown);
    if (!known && table_.size() >= most_) return;
    if (known && known->mapping == mapping && known->until >= until) return;
    Former former = known ? *known : Former{mapping, until};
    if (known) count(former, shown.endpoint.address, false);
    former.until = former.mapping == mapping ? std::max(former.until, until) : until;
    former.mapping = mapping;
    deadlines_.schedule(shown, former.until);
    count(former, shown.endpoint.address, true);
    table_.put(shown, former);
}

bool OldEndpoints::knows(const Address& host, const Address& outside) const {
    return table_.size() > 0 && hosts_.contains(Host{host, outside});
}

void OldEndpoints::renumber(const Renumbering& renumbering) {
    std::vector<Socket> moving;
    for (const auto& [shown, former] : table_)
        for (const AddressChange& move : renumbering.moves())
            if (former.mapping.outside == move.from && move.from != move.to.address) moving.push_back(shown);
    for (const Socket& shown : moving) {
        Former& former = *table_.edit(shown);
        count(former, shown.endpoint.address, false);
        for (const AddressChange& move : renumbering.moves()) {
            if (former.mapping.outside != move.from) continue;
            former.mapping.outside = move.to.address;
            break;
        }
        count(former, shown.endpoint.address, true);
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

void add_former(std::vector<Endpoint>& former, const Endpoint& shown, const Endpoint& now_shown) {
    std::erase(former, shown);
    former.push_back(shown);
    std::erase(former, now_shown);
    if (former.size() > max_former) former.erase(former.begin());
}

}  // namespace sipalg::nat
