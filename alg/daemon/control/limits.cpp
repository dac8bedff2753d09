#include "alg/daemon/control/limits.hpp"

#include <algorithm>
#include <array>

#include "alg/core/report.hpp"
#include "alg/daemon/control/control.hpp"
#include "alg/daemon/run/egress.hpp"

namespace sipalg::daemon {

namespace {

struct Use {
    std::size_t Limits::*limit;
    std::size_t (*of)(const State&);
};

constexpr std::array uses{
    Use{&Limits::max_calls, [](const State& s) { return totals(s).calls; }},
    Use{&Limits::max_calls_per_phone, [](const State& s) { return s.calls.use().of_phone; }},
    Use{&Limits::max_calls_per_peer, [](const State& s) { return s.calls.use().of_peer; }},
    Use{&Limits::max_unanswered_per_phone, [](const State& s) { return s.calls.use().unanswered; }},
    Use{&Limits::max_unproven_calls, [](const State& s) { return s.calls.unproven(); }},
    Use{&Limits::max_emergency_calls, [](const State& s) { return s.calls.use().emergency; }},
    Use{&Limits::max_emergency_calls_per_phone,
        [](const State& s) { return s.calls.use().emergency_of_phone; }},
    Use{&Limits::max_bindings, [](const State& s) { return s.registrations.all().size(); }},
    Use{&Limits::max_bindings_per_phone, [](const State& s) { return s.registrations.largest_share(); }},
    Use{&Limits::max_pending_registrations, [](const State& s) { return s.registrations.pending(); }},
    Use{&Limits::max_pending_registrations_per_phone,
        [](const State& s) { return s.registrations.largest_pending_share(); }},
    Use{&Limits::max_proven_pairs, [](const State& s) { return s.proofs.unheld(); }},
    Use{&Limits::max_proven_pairs_per_phone, [](const State& s) { return s.proofs.largest_share(); }},
    Use{&Limits::max_mappings, [](const State& s) { return s.mappings.all().size(); }},
    Use{&Limits::max_mappings_per_phone, [](const State& s) { return s.mappings.largest_share(); }},
    Use{&Limits::max_streams, [](const State& s) { return s.connections.usage().total().connections; }},
    Use{&Limits::max_streams_per_phone,
        [](const State& s) { return s.connections.usage().largest().connections; }},
    Use{&Limits::max_half_open_streams, [](const State& s) { return s.connections.half_open(); }},
    Use{&Limits::max_stream_memory, [](const State& s) { return s.connections.usage().total().memory; }},
    Use{&Limits::max_stream_memory_per_phone,
        [](const State& s) { return s.connections.usage().largest().memory; }},
    Use{&Limits::max_held_segments, [](const State& s) { return s.connections.usage().total().queued; }},
    Use{&Limits::max_held_segments_per_phone,
        [](const State& s) { return s.connections.usage().largest().queued; }},
    Use{&Limits::max_undelivered, [](const State& s) { return s.connections.largest_undelivered(); }},
    Use{&Limits::max_listeners, [](const State& s) { return s.mappings.listeners().size(); }},
    Use{&Limits::max_listeners_per_phone,
        [](const State& s) { return s.mappings.listeners().largest_share(); }},
    Use{&Limits::max_nat_handling, [](const State& s) { return s.nat_handling.size(); }},
    Use{&Limits::max_nat_handling_per_phone, [](const State& s) { return s.nat_handling.largest_share(); }},
    Use{&Limits::max_existing_nat, [](const State& s) { return s.mappings.existing_nat().size(); }},
    Use{&Limits::max_existing_nat_per_phone,
        [](const State& s) { return s.mappings.existing_nat().largest_share(); }},
};
static_assert(uses.size() == limit_rows.size());

std::size_t use_of(std::size_t Limits::*limit, const State& state) {
    const auto use =
        std::find_if(uses.begin(), uses.end(), [&](const Use& row) { return row.limit == limit; });
    return use == uses.end() ? 0 : use->of(state);
}

}  // namespace

std::vector<Limit> limits(const State& state, const DaemonUse& use) {
    std::vector<Limit> all;
    all.reserve(limit_rows.size() + 5);
    for (const LimitRow& row : limit_rows)
        all.push_back(
            {row.name, state.policy.*row.member, use_of(row.member, state), row.behaviour, row.option});
    all.push_back({"flows in the list", FlowList::most, state.flows.size(),
                   "the one that has been idle longest leaves the list", ""});
    all.push_back({"phones with a known neighbour", Hosts::most, state.hosts.size(),
                   "the neighbour with the most loses its oldest, which counts on its own", ""});
    all.push_back({"cached routes", EgressChooser::most_routes, use.routes, "all are asked for again", ""});
    all.push_back(
        {"control clients", ControlSocket::most_clients, use.control_clients, "further clients wait", ""});
    all.push_back({"readers of events and messages", ControlSocket::most_streams, use.readers,
                   "further readers are refused", ""});
    return all;
}

Json to_json(const std::vector<Limit>& limits) {
    Json rows = Json::array();
    for (const Limit& limit : limits)
        rows.push_back({{"name", limit.name},
                        {"limit", limit.limit},
                        {"in_use", limit.in_use},
                        {"behaviour", limit.behaviour},
                        {"option", limit.option.empty() ? Json() : Json(limit.option)}});
    return rows;
}

}  // namespace sipalg::daemon
