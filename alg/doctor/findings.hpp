// Findings: the faults of a router that affect SIP, and the command that fixes each of them (O3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alg/doctor/facts.hpp"
#include "alg/net/port_range.hpp"

namespace sipalg::doctor {

enum class Level : std::uint8_t {
    error,    ///< calls fail
    warning,  ///< some calls fail, or something can't be seen
    note      ///< for information; needs no action
};
std::string_view word(Level level);

struct Finding {
    Level level = Level::warning;
    std::string_view id;  ///< one word, for scripts
    std::string text;     ///< one sentence
    std::string command;  ///< the command that fixes the fault; empty: none does
};

/// The finding in one line, as the daemon's status warns of it: "TEXT; run: COMMAND".
std::string sentence(const Finding& finding);

// Findings of the daemon as well.
Finding uncounted_packets();
/// A8. `chains`: those that offload signalling, at least one.
Finding offloaded_signalling(const std::vector<std::string>& chains,
                             const std::vector<std::uint16_t>& sip_ports);
/// A8. The match that keeps signalling out of a rule with `flow add`.
std::string flowtable_exemption(const std::vector<std::uint16_t>& sip_ports);
/// X12: of --media-ports, `left` are not forwarded by the owner. Call it if there are fewer than
/// enough_media_ports.
Finding scarce_media_ports(std::size_t left);
inline constexpr std::size_t enough_media_ports = 256;
/// A3: whether public ports may be chosen that do not reach this router: the owner's rules translate sources
/// to the ports `ruleset` only, and the ports `chosen` (empty: all) are not among them. Rules that leave more
/// than half of the ports do not count.
bool is_shared_address(std::span<const PortRange> ruleset, std::span<const PortRange> chosen);
Finding shared_address(std::span<const PortRange> ruleset);

/// O3. The worst first; a warning of the daemon that is also a finding is listed once. Pure.
std::vector<Finding> diagnose(const Subject& subject, const Facts& facts);

}  // namespace sipalg::doctor
