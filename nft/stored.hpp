// Reading the daemon's elements back from the kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alg/kernel/element.hpp"
#include "nft/link.hpp"
#include "nft/sets.hpp"
#include "nft/transaction.hpp"

namespace sipalg::nft {

/// All elements of the table with their remaining time, rounded up. Incomplete mappings, and elements that
/// sipalgd has not made, are left out. Empty if there is no table. Throws Error.
std::vector<StoredElement> read_elements(Link& link, const std::string& table);

/// The sources that latches have let in (C5). Empty if there is no table. Throws Error.
std::vector<LatchedSource> read_latched(Link& link, const std::string& table);

/// The port of the phone whose flow NAT has translated to this public endpoint; nullopt: no such flow was
/// noted (S2). Throws Error.
std::optional<std::uint16_t> read_seen(Link& link, const std::string& table, const Endpoint& outside,
                                       const Address& phone);

/// Appends the UDP flows that rules have noted in the last minutes. False: a set is full, so some may be
/// missing. Throws Error.
[[nodiscard]] bool read_noted_flows(Link& link, const std::string& table, std::vector<ConntrackTuple>& flows);

/// The interface by which the first packet of this flow has left; nullopt: none was noted (A9). Throws Error.
std::optional<std::string> read_uplink(Link& link, const std::string& table, const ConntrackTuple& flow);
/// The key of a flow in the sets `unsettled` and `uplinks`; flows from other ports of the phone share it.
Value key_of(const ConntrackTuple& flow);

/// Reads the maps of mappings. False: there is no table. Throws Error.
bool read_maps(Link& link, const std::string& table, MapContents& maps);

/// Whether a set has lost its elements. Looks up one element of each set: one from the settings, or the
/// expected one with the longest timeout. Sets that rules change are not checked. Throws Error.
bool any_set_flushed(Link& link, const std::string& table, const std::vector<SetDefinition>& sets,
                     std::span<const Change> expected);

}  // namespace sipalg::nft
