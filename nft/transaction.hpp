// Changes as a batch of element messages. Pure.
//
// The kernel has no "replace", and before 6.3 no "remove if it exists". It refuses to remove an element that
// has just expired, and to add an element to a map that has the key with other data. Therefore a removal is
// "ensure, remove", which works in both cases, and a renewal is "ensure, remove, create". If a map has other
// data for a key, the kernel refuses the whole batch. The maps are then read, and a second batch names the
// existing entries. This takes milliseconds, because the kernel waits for all processors when it aborts a
// batch. The same happens when an existing element is added. Kernels from 6.3 on have "destroy", which takes
// half the time. In maps it would also remove another mapping with the same key, so "ensure" stays there as a
// guard.
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

/// Whether the kernel can store the changes; if not, the error is a text for people that names the change.
Result<> validate(std::span<const Change> changes);

/// Appends the messages for `changes`, sorted by set, each key at most once: of several changes of a key the
/// first tells whether the kernel may have it, the last what remains. The batch refers to `table` and to the
/// changes' records until it is sent.
void append_changes(Batch& batch, const std::string& table, std::span<const Change> changes, Removal removal);

/// The contents of the three maps.
struct MapContents {
    std::map<Value, Value> out, via, in;
    /// nullptr: no map has this name.
    const std::map<Value, Value>* find(std::string_view set) const;
};

/// The same, for use after the kernel has refused the batch of append_changes(). Removes both halves of
/// entries that conflict with a mapping, and the remaining half of a mapping of which only half exists. If
/// one element has several changes, the last one counts.
void append_carefully(Batch& batch, const std::string& table, std::span<const Change> changes,
                      const MapContents& maps);

}  // namespace sipalg::nft
