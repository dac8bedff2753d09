#include "alg/nat/renumber.hpp"

#include <set>
#include <string>

#include "alg/core/state.hpp"

namespace sipalg {

namespace {

// For people: what moved, and what could not stay as it was.
std::string told(const AddressChange& move, const nat::Renumbering::Counts& counts) {
    const auto number = [](std::size_t count, const char* what) {
        return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
    };
    std::string text = "is now " + move.to.advertised.text();
    if (move.to.advertised != move.to.address) text += " (behind it " + move.to.address.text() + ")";
    text += "; moved " + number(counts.calls, "call") + ", " + number(counts.bindings, "binding") + ", " +
            number(counts.mappings, "mapping") + " and " + number(counts.pinholes, "pinhole");
    if (counts.other_ports > 0) text += ", " + number(counts.other_ports, "mapping") + " to another port";
    if (counts.lost > 0) text += ", found no port for " + number(counts.lost, "mapping");
    return text;
}

}  // namespace

std::vector<Egress> State::egresses() const {
    std::set<Egress> found;
    // What is not translated stands at no address of the router's (N2).
    for (const auto& [key, entry] : impl_->mappings.all())
        if (!entry.mapping.is_identity()) found.insert({key.outside, entry.advertised});
    for (const auto& [key, call] : impl_->calls.all())
        if (call.egress.address != key.phone) found.insert(call.egress);
    for (const auto& [key, binding] : impl_->registrations.all())
        if (binding.egress.address != key.inside.endpoint.address) found.insert(binding.egress);
    return {found.begin(), found.end()};
}

void renumber(State& state, std::span<const AddressChange> moves, Time now, Decision& decision) {
    decision.clear();
    State::Impl& impl = state.impl();
    Effects effects{decision.changes, decision.stale, decision.ended, decision.events};
    nat::Renumbering renumbering(moves);
    impl.mappings.renumber(renumbering, now, decision.changes);
    impl.calls.renumber(renumbering, now, effects);
    impl.registrations.renumber(renumbering, now, effects);
    ++impl.renumbered;
    for (const AddressChange& move : moves)
        decision.events.push_back(
            {Event::Kind::renumbered, move.from.text(), told(move, renumbering.counts(move.from))});
}

}  // namespace sipalg
