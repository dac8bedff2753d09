#include "alg/core/renumber.hpp"

#include <string>

#include "alg/nat/renumbering.hpp"

namespace sipalg {

namespace {

// The text of the event: the number of moved entries, and of those that lost their port.
std::string summary(const AddressChange& move, const nat::Renumbering::Counts& counts) {
    const auto number = [](std::size_t count, const char* what) {
        return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
    };
    std::string text = "is now " + move.to.advertised.text();
    if (move.to.advertised != move.to.address) text += " (interface address " + move.to.address.text() + ")";
    text += "; moved " + number(counts.calls, "call") + ", " + number(counts.bindings, "binding") + ", " +
            number(counts.mappings, "mapping") + " and " + number(counts.pinholes, "pinhole");
    if (counts.other_ports > 0) text += ", " + number(counts.other_ports, "mapping") + " to another port";
    if (counts.lost > 0) text += ", no free port for " + number(counts.lost, "mapping");
    return text;
}

}  // namespace

void renumber(State& state, std::span<const AddressChange> moves, Time now, Decision& decision) {
    decision.clear();
    Effects effects{decision.changes, decision.stale, decision.ended, decision.events};
    nat::Renumbering renumbering(moves);
    state.mappings.renumber(renumbering, now, decision.changes);
    state.calls.renumber(renumbering, now, effects);
    state.registrations.renumber(renumbering, now, effects);
    state.scan.note_renumbered();
    for (const AddressChange& move : moves)
        decision.events.push_back(
            {Event::Kind::renumbered, move.from.text(), summary(move, renumbering.counts(move.from))});
}

}  // namespace sipalg
