// Changes as a batch of element messages. Pure.
//
// The kernel has no "replace", and before 6.3 no "remove if there": a removal is refused when the element has
// just expired, an addition when a map has the key with other data. So a removal is "ensure, remove", which
// holds in both cases, and a renewal "ensure, remove, create". That works as long as the maps hold for a key
// what we would ensure; where they don't, the kernel refuses the batch as a whole, the maps are read, and
// the careful form names what is really there. That costs milliseconds, since the kernel waits for all its
// processors when it gives a batch up; `add` of what is there and has not expired takes that way. Kernels
// from 6.3 on can "destroy", which costs half as much; in the maps it would hit another mapping of the same
// key, so there "ensure" stays as the guard.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "alg/kernel/element.hpp"
#include "nft/batch.hpp"
#include "nft/elements.hpp"

namespace sipalg::nft {

/// Why the changes can't be told to the kernel, for people; nullopt: nothing wrong with them.
std::optional<std::string> objection(std::span<const Change> changes);

/// Appends the messages for `changes` (without objection()) in their order. The batch refers to `table` and
/// to the changes' records until it is sent.
void append_changes(Batch& batch, const std::string& table, std::span<const Change> changes, Removal removal);

/// What the two maps hold, by key.
struct MapContents {
    std::map<Value, Value> out, in;
};

/// The same, to be used after the kernel has refused what append_changes() wrote: whatever stands in the way
/// of a mapping is replaced, with both of its halves, and a removal of a mapping that is not there as a
/// whole removes the half that is. Of several changes of one element the last counts.
void append_carefully(Batch& batch, const std::string& table, std::span<const Change> changes,
                      const MapContents& maps);

}  // namespace sipalg::nft
