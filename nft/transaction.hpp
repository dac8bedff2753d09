// Changes as a batch of element messages. Pure.
//
// The kernel has no "replace", and before 6.3 no "remove if there": it refuses a removal when the element has
// just expired, and an addition when a map has the key with other data. So a removal is "ensure, remove",
// which works in both cases, and a renewal is "ensure, remove, create". If a map has other data for a key,
// the kernel refuses the whole batch. Then the maps are read, and the careful form names the entries that are
// really there. That costs milliseconds, since the kernel waits for all its processors when it aborts a
// batch; adding an element that exists takes this way too. Kernels from 6.3 on have "destroy", which costs
// half as much. In the maps it would also remove another mapping with the same key, so there "ensure" stays
// as a guard.
#pragma once

#include <map>
#include <span>
#include <string>

#include "alg/base/result.hpp"
#include "alg/kernel/element.hpp"
#include "nft/batch.hpp"
#include "nft/element_writer.hpp"
#include "nft/elements.hpp"

namespace sipalg::nft {

/// Whether the kernel can be given the changes; the error says for people which one it can't.
Result<> validate(std::span<const Change> changes);

/// Appends the messages for `changes` that are valid in their order. The batch refers to `table` and
/// to the changes' records until it is sent.
void append_changes(Batch& batch, const std::string& table, std::span<const Change> changes, Removal removal);

/// The contents of the two maps.
struct MapContents {
    std::map<Value, Value> out, in;
};

/// The same, for use after the kernel has refused the batch of append_changes(): entries that conflict with a
/// mapping are removed, both halves of them, and the removal of a mapping of which only half exists removes
/// that half. Of several changes of one element the last counts.
void append_carefully(Batch& batch, const std::string& table, std::span<const Change> changes,
                      const MapContents& maps);

}  // namespace sipalg::nft
