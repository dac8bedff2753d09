#include "alg/daemon/control/limits.hpp"

#include <algorithm>
#include <map>

#include "alg/daemon/control/control.hpp"
#include "alg/daemon/run/postponed.hpp"

namespace sipalg::daemon {

namespace {

/// The largest number of rows that have the same key.
template <class Row, class Key>
std::size_t largest_group(const std::vector<Row>& rows, Key key) {
    std::map<std::string, std::size_t> groups;
    std::size_t largest = 0;
    for (const Row& row : rows)
        largest = std::max(largest, ++groups[key(row)]);
    return largest;
}

constexpr const char* nothing_opened = "messages are forwarded, nothing new is opened";
constexpr const char* not_followed = "further calls are forwarded without pinholes";
constexpr const char* not_registered = "further registrations are forwarded without a binding";
constexpr const char* not_read = "further connections are forwarded unread";

}  // namespace

std::vector<Limit> limits(const Policy& policy, const Totals& totals, const std::vector<CallReport>& calls,
                          const std::vector<BindingReport>& bindings, const std::vector<FlowReport>& flows,
                          const DaemonUse& use) {
    std::vector<FlowReport> connections;
    std::copy_if(flows.begin(), flows.end(), std::back_inserter(connections), [](const FlowReport& flow) {
        return flow.transport == Transport::tcp && flow.kind == "sip";
    });
    std::size_t waiting_bytes = 0;
    for (const FlowReport& connection : connections)
        waiting_bytes += connection.held;
    const auto phone_of_call = [](const CallReport& call) { return call.phone; };
    const auto peer_of_call = [](const CallReport& call) { return call.peer; };
    const auto phone_of_binding = [](const BindingReport& binding) { return binding.inside.address.text(); };
    const auto phone_of_flow = [](const FlowReport& flow) { return flow.phone.address.text(); };
    return {
        {"calls", policy.max_calls, totals.calls, not_followed},
        {"calls of a phone", policy.max_calls_per_phone, largest_group(calls, phone_of_call), not_followed},
        {"calls of a peer", policy.max_calls_per_peer, largest_group(calls, peer_of_call), not_followed},
        {"unanswered calls to a phone", policy.max_unanswered_per_phone, std::nullopt, not_followed},
        {"bindings", policy.max_bindings, totals.bindings, not_registered},
        {"bindings of a phone", policy.max_bindings_per_phone, largest_group(bindings, phone_of_binding),
         not_registered},
        {"mappings", policy.max_mappings, totals.mappings, nothing_opened},
        {"mappings of a phone", policy.max_mappings_per_phone, std::nullopt, nothing_opened},
        {"TCP connections", policy.max_streams, connections.size(), not_read},
        {"TCP connections of a phone", policy.max_streams_per_phone,
         largest_group(connections, phone_of_flow), not_read},
        {"bytes of incomplete TCP messages", policy.max_stream_memory, waiting_bytes,
         "further messages are forwarded unread"},
        {"queued TCP segments", policy.max_held_segments, use.segments,
         "the oldest message is forwarded unread"},
        {"packets that wait for conntrack", PostponedPackets::most, use.postponed,
         "further packets are decided without conntrack"},
        {"control clients", ControlSocket::most_clients, use.control_clients, "further clients wait"},
    };
}

Json to_json(const std::vector<Limit>& limits) {
    Json rows = Json::array();
    for (const Limit& limit : limits)
        rows.push_back({{"name", limit.name},
                        {"limit", limit.limit},
                        {"in_use", limit.in_use ? Json(*limit.in_use) : Json()},
                        {"behaviour", limit.behaviour}});
    return rows;
}

}  // namespace sipalg::daemon
