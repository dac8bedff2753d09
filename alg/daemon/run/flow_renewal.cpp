#include "alg/daemon/run/flow_renewal.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "alg/nat/ports.hpp"

namespace sipalg::daemon {

FlowRenewal::FlowRenewal(std::vector<std::uint16_t> sip_ports, std::vector<Address> own_addresses,
                         Outside outside, std::span<const StoredElement> stored, bool adopt)
    : sip_ports_(std::move(sip_ports)),
      own_addresses_(std::move(own_addresses)),
      outside_(std::move(outside)),
      adopt_(adopt) {
    for (const StoredElement& element : stored)
        if (const auto* mapping = std::get_if<Mapping>(&element.element))
            mappings_.push_back(*mapping);
        else if (const auto* diversion = std::get_if<Diversion>(&element.element))
            diversions_.push_back(*diversion);
    known_mappings_ = mappings_.size();
    known_diversions_ = diversions_.size();
}

void FlowRenewal::entry(const ConntrackEntry& flow) {
    if (flow.has_helper) return;
    const auto seen = find_ends(flow);
    if (!seen) return;
    const bool known = is_known(seen->mapping);  // the flow has a mapping
    // X2
    const bool forbidden = nat::is_forbidden_port(seen->mapping.outside.port) ||
                           nat::is_forbidden_port(seen->mapping.inside.port);
    const bool adoptable = adopt_ && flow.replied && !is_taken(seen->mapping) && !forbidden;
    // A flow without a reply is in no flowtable yet, and no peer relies on it.
    if (flow.transport != Transport::udp || (flow.replied && !known && !adoptable)) {
        ++left_;
        return;
    }
    if (!known && adoptable) adopt(*seen);
    to_erase_.push_back({flow.transport, flow.original_source, flow.original_destination});
}

// nullopt: not a flow of signalling between an inside host and the outside.
std::optional<FlowRenewal::Seen> FlowRenewal::find_ends(const ConntrackEntry& flow) const {
    const auto fits = [&](const Seen& seen) {
        const bool signalling =
            is_sip(seen.peer) || is_sip(seen.mapping.inside) ||
            std::find(diversions_.begin(), diversions_.end(),
                      Diversion{flow.transport, seen.mapping.inside}) != diversions_.end();
        return signalling && !is_own(seen.mapping.inside.address) && !is_own(seen.peer.address) &&
               !outside_(seen.mapping.inside.address) && outside_(seen.peer.address);
    };
    const Seen by_phone{{flow.transport, flow.original_source, flow.reply_destination}, flow.reply_source};
    if (fits(by_phone)) return by_phone;
    const Seen by_peer{{flow.transport, flow.reply_source, flow.original_destination}, flow.original_source};
    return fits(by_peer) ? std::optional(by_peer) : std::nullopt;
}

bool FlowRenewal::is_sip(const Endpoint& endpoint) const {
    return std::find(sip_ports_.begin(), sip_ports_.end(), endpoint.port) != sip_ports_.end();
}

bool FlowRenewal::is_own(const Address& address) const {
    return std::find(own_addresses_.begin(), own_addresses_.end(), address) != own_addresses_.end();
}

// Where nothing is translated the table has no mapping, but diverts the phone's packets.
bool FlowRenewal::is_known(const Mapping& mapping) const {
    const auto among = [](const auto& all, std::size_t count, const auto& wanted) {
        const std::span known = std::span(all).first(count);
        return std::find(known.begin(), known.end(), wanted) != known.end();
    };
    return mapping.is_identity()
               ? among(diversions_, known_diversions_, Diversion{mapping.transport, mapping.inside})
               : among(mappings_, known_mappings_, mapping);
}

// Whether another mapping has one of the two ends.
bool FlowRenewal::is_taken(const Mapping& mapping) const {
    return std::any_of(mappings_.begin(), mappings_.end(), [&](const Mapping& other) {
        const bool shares = other.inside == mapping.inside || other.outside == mapping.outside;
        return other.transport == mapping.transport && shares && other != mapping;
    });
}

// C12
void FlowRenewal::adopt(const Seen& seen) {
    const Mapping& mapping = seen.mapping;
    const Diversion diversion{mapping.transport, mapping.inside};
    if (!mapping.is_identity() && std::find(mappings_.begin(), mappings_.end(), mapping) == mappings_.end()) {
        adopted_.push_back({Change::Op::add, mapping, adopted_for});
        mappings_.push_back(mapping);
    }
    if (std::find(diversions_.begin(), diversions_.end(), diversion) == diversions_.end()) {
        adopted_.push_back({Change::Op::add, diversion, adopted_for});
        diversions_.push_back(diversion);
    }
    pinholes_.push_back(
        {Change::Op::add, Pinhole{mapping.transport, seen.peer.address, mapping.outside}, adopted_for});
}

}  // namespace sipalg::daemon
