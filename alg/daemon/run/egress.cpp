#include "alg/daemon/run/egress.hpp"

#include <algorithm>
#include <array>

#include "alg/net/packet.hpp"

namespace sipalg::daemon {

namespace {

std::optional<Address> phone_of_ipv6(Side from, Bytes packet) {
    if (packet.size() < 40 || packet[0] >> 4 != 6) return std::nullopt;
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(packet.begin() + (from == Side::inside ? 8 : 24), 16, bytes.begin());
    return Address::v6(bytes);
}

std::optional<Address> address_at(Bytes packet, std::size_t offset) {
    if (packet.size() < 20 || packet[0] >> 4 != 4) return std::nullopt;
    std::array<std::uint8_t, 4> bytes{};
    std::copy_n(packet.begin() + static_cast<std::ptrdiff_t>(offset), 4, bytes.begin());
    return Address::v4(bytes);
}

// Both directions use the same query, so that they get the same answer.
RouteQuery query_of(Side from, Bytes packet, const Address& phone, const Address& peer, unsigned interface) {
    RouteQuery query{phone, peer, interface};
    const auto parsed = parse_packet(packet);
    if (!parsed) return query;
    query.transport = parsed->transport;
    query.phone_port = from == Side::inside ? parsed->source.port : parsed->destination.port;
    query.peer_port = from == Side::inside ? parsed->destination.port : parsed->source.port;
    return query;
}

}  // namespace

std::size_t EgressChooser::QueryHash::operator()(const RouteQuery& query) const noexcept {
    const std::hash<Endpoint> hash;
    return (hash({query.phone, query.phone_port}) * 31 + hash({query.peer, query.peer_port})) * 31 +
           query.in_interface * 2 + static_cast<std::size_t>(query.transport == Transport::tcp);
}

void EgressChooser::set(const Interfaces& interfaces, const std::vector<std::string>& outside,
                        const std::vector<Address>& external) {
    ends_.clear();
    routes_.clear();
    marks_decide_ = interfaces.marks_decide;
    const auto held = [&](const std::string& name, const Address& address) {
        const Interface* interface = interfaces.find(name);
        return interface != nullptr && interface->holds(address);
    };
    const auto is_own = [&](const Address& address) {
        return std::any_of(interfaces.all.begin(), interfaces.all.end(),
                           [&](const Interface& interface) { return interface.holds(address); });
    };
    for (std::size_t i = 0; i < outside.size(); ++i) {
        End end;
        end.interface = outside[i];
        if (const Interface* interface = interfaces.find(outside[i])) {
            end.index = interface->index;
            end.egress.address = interface->primary();
        }
        Address wanted;
        if (external.size() == 1) wanted = external.front();
        if (external.size() > 1 && i < external.size()) wanted = external[i];
        end.egress.advertised = end.egress.address;
        if (end.egress.address && wanted) {
            const bool is_anothers = !held(end.interface, wanted) &&
                                     std::any_of(outside.begin(), outside.end(),
                                                 [&](const std::string& name) { return held(name, wanted); });
            if (!is_anothers && is_own(wanted))
                end.egress = {wanted, wanted, {}};
            else if (!is_anothers)
                end.egress.advertised = wanted;
        }
        ends_.push_back(std::move(end));
    }
    name_interfaces();
}

// With one address outside, a mapping serves every interface, also one that comes up later.
void EgressChooser::name_interfaces() {
    const auto have = [&](const Address& address) {
        return std::count_if(ends_.begin(), ends_.end(),
                             [&](const End& end) { return end.egress.address == address; });
    };
    const auto without = have({});
    for (End& end : ends_) {
        const auto same = have(end.egress.address);
        const bool several = same + without < std::ssize(ends_);
        end.egress.interface = several && same == 1 ? InterfaceName(end.interface) : InterfaceName();
    }
}

const Egress* EgressChooser::find(unsigned index) const {
    for (const End& end : ends_)
        if (end.index == index && index != 0) return &end.egress;
    return nullptr;
}

// The uplink of an existing connection, or the one that the kernel has noted.
std::optional<EgressChooser::Choice> EgressChooser::by_flow(const RouteQuery& query) {
    const ConntrackTuple flow{
        *query.transport, {query.phone, query.phone_port}, {query.peer, query.peer_port}};
    if (const auto address = flows_->public_address(flow)) {
        for (const End& end : ends_)
            if (end.egress.address == *address) return Choice{end.egress};
        return std::nullopt;  // only a new flow's packet can be noted
    }
    if (const auto name = flows_->uplink_of(flow)) {
        for (const End& end : ends_)
            if (end.interface == *name) return Choice{end.egress};
        return Choice{};
    }
    if (!flows_->ask_uplink(flow)) return std::nullopt;
    return Choice{{}, true};
}

Egress EgressChooser::by_route(const RouteQuery& query) {
    auto known = routes_.find(query);
    if (known == routes_.end()) {
        if (routes_.size() >= most_routes) routes_.clear();
        known = routes_.emplace(query, lookup_(query).value_or(0)).first;
    }
    const Egress* egress = find(known->second);
    return egress == nullptr ? Egress{} : *egress;
}

EgressChooser::Choice EgressChooser::choose(Side from, Bytes packet, unsigned in_interface,
                                            unsigned out_interface) {
    if (const auto phone6 = phone_of_ipv6(from, packet)) return {{*phone6, *phone6, {}}};
    const auto phone = address_at(packet, from == Side::inside ? 12 : 16);
    const auto peer = address_at(packet, from == Side::inside ? 16 : 12);
    if (!phone || !peer) return {};
    if (!treatments_.is_translated(*phone)) return {{*phone, *phone, {}}};
    if (ends_.size() == 1) return {ends_.front().egress};
    const RouteQuery query =
        query_of(from, packet, *phone, *peer, from == Side::inside ? in_interface : out_interface);
    const Egress* arrived = from == Side::outside ? find(in_interface) : nullptr;
    if (marks_decide_ && flows_ != nullptr && query.transport) {
        if (arrived != nullptr) return {*arrived};
        const Mode mode = treatments_.mode_of(*phone, *peer);
        if (may_ask(from) && mode != Mode::observe && mode != Mode::off)
            if (const auto choice = by_flow(query)) return *choice;
    }
    const Egress egress = by_route(query);
    // The reply arrived by another uplink than that of a request, and NAT has the flow at that uplink.
    return {egress.address || arrived == nullptr ? egress : *arrived};
}

unsigned EgressChooser::index_of(const Address& address) const {
    for (const End& end : ends_)
        if (end.egress.address == address) return end.index;
    return 0;
}

Address EgressChooser::advertised(const Address& address) const {
    for (const End& end : ends_)
        if (end.egress.address == address) return end.egress.advertised;
    return address;
}

}  // namespace sipalg::daemon
