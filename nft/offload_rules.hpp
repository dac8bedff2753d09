// The part of the table that keeps signalling out of flowtables (A8), present only while some rule of another
// program says `flow add`. See offload_helper.hpp.
#pragma once

#include <string>
#include <vector>

#include "nft/batch.hpp"
#include "nft/settings.hpp"
#include "nft/table.hpp"

namespace sipalg::nft {

/// Adds the messages that make the objects. Both strings must outlive the batch.
void add_offload_objects(Batch& batch, const std::string& table);
/// The objects in nft's syntax.
std::string offload_objects_text();
/// Adds the chains that assign the helper to signalling. They need the objects.
void add_offload_chains(std::vector<ChainDefinition>& chains);

}  // namespace sipalg::nft
