#include "alg/core/renumber.hpp"

#include <string>
#include <utility>
#include <vector>

#include "alg/nat/renumbering.hpp"

namespace sipalg {

namespace {

std::string number(std::size_t count, const char* what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// The text of the event: the number of moved entries, and of entries that lost their port.
std::string summary(const AddressChange& move, const nat::Renumbering::Counts& counts) {
    std::string text = "is now " + move.to.advertised.text();
    if (move.to.advertised != move.to.address) text += " (interface address " + move.to.address.text() + ")";
    text += "; moved " + number(counts.calls, "call") + ", " + number(counts.bindings, "binding") + ", " +
            number(counts.mappings, "mapping") + " and " + number(counts.pinholes, "pinhole");
    if (counts.other_ports > 0) text += ", " + number(counts.other_ports, "mapping") + " to another port";
    if (counts.lost > 0) text += ", no free port for " + number(counts.lost, "mapping");
    return text;
}

void move(State& state, nat::Renumbering& renumbering, Time now, Decision& decision) {
    decision.clear();
    Effects effects{decision.changes, decision.stale, decision.ended, decision.events};
    state.mappings.renumber(renumbering, now, decision.changes);
    state.calls.renumber(renumbering, now, effects);
    state.registrations.renumber(renumbering, now, effects);
    state.scan.note_renumbered();
}

}  // namespace

void renumber(State& state, std::span<const AddressChange> moves, Time now, Decision& decision) {
    nat::Renumbering renumbering(moves);
    move(state, renumbering, now, decision);
    for (const AddressChange& move : moves)
        decision.events.push_back(
            {Event::Kind::renumbered, move.from.text(), summary(move, renumbering.counts(move.from))});
}

// X12
void leave_forwarded_ports(State& state, Time now, Decision& decision) {
    std::vector<AddressChange> moves;
    for (const Egress& egress : state.mappings.at_forwarded_ports())
        moves.push_back({egress.address, egress});
    nat::Renumbering renumbering(moves, true);
    if (moves.empty())
        decision.clear();
    else
        move(state, renumbering, now, decision);
    for (const AddressChange& move : moves) {
        const nat::Renumbering::Counts& counts = renumbering.counts(move.from);
        std::string text =
            "the ruleset forwards ports of mappings: " + number(counts.other_ports, "mapping") +
            " moved to another port";
        if (counts.lost > 0) text += ", " + number(counts.lost, "mapping") + " found none";
        decision.events.push_back({Event::Kind::renumbered, move.from.text(), std::move(text)});
    }
}

}  // namespace sipalg
