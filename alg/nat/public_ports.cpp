#include "alg/nat/public_ports.hpp"

namespace sipalg::nat {

void PublicPorts::enter(const Mapping& mapping, const Address& advertised) {
    const MappingKey key{{mapping.transport, mapping.inside}, mapping.outside.address};
    by_socket_.put({mapping.transport, {advertised, mapping.outside.port}}, key);
    if (advertised != mapping.outside.address) by_socket_.put({mapping.transport, mapping.outside}, key);
}

void PublicPorts::remove(const Mapping& mapping, const Address& advertised) {
    by_socket_.erase({mapping.transport, {advertised, mapping.outside.port}});
    if (advertised != mapping.outside.address) by_socket_.erase({mapping.transport, mapping.outside});
}

bool PublicPorts::is_free(Transport transport, const Egress& egress, std::uint16_t port) const {
    if (by_socket_.contains(Socket{transport, {egress.advertised, port}}) ||
        by_socket_.contains(Socket{transport, {egress.address, port}}))
        return false;
    const auto is_bound = [&](const Address& address) {
        return occupied_.contains(Socket{transport, {address, port}});
    };
    // A socket bound to the wildcard address of either family receives packets for every address.
    return !is_bound(egress.address) && !is_bound(Address::v4(0)) && !is_bound(Address::v6({}));
}

// X12. The next port of the same phone belongs to its own next socket.
bool PublicPorts::is_others(const Socket& inside, const Address& outside, std::uint16_t port,
                            std::uint16_t preferred, unsigned run) const {
    if (forwards_.is_others(inside, {inside.transport, {outside, port}}, preferred, run)) return true;
    const Endpoint* user = existing_nat_.find_public({inside.transport, {outside, port}});
    return user && (user->address != inside.endpoint.address ||
                    user->port - inside.endpoint.port != port - preferred);
}

bool PublicPorts::is_another_phones(const Socket& inside, const Address& outside, std::uint16_t port) const {
    const Transport other = inside.transport == Transport::udp ? Transport::tcp : Transport::udp;
    const MappingKey* key = find({other, {outside, port}});
    return key && key->inside.endpoint.address != inside.endpoint.address;
}

void PublicPorts::set_occupied(const std::vector<Socket>& sockets) {
    occupied_.clear();
    occupied_.insert(sockets.begin(), sockets.end());
}

}  // namespace sipalg::nat
