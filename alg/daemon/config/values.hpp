// The values of options: from text to value, or an error that says which values are right.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "alg/daemon/config/config_file.hpp"
#include "alg/net/address.hpp"
#include "nft/ruleset.hpp"

namespace sipalg::daemon {

/// All throw UsageError.
bool parse_switch(const Setting& setting);               ///< empty (command line), yes, no, true, false
std::uint16_t parse_port(const Setting& setting);        ///< 1 to 65535
std::uint16_t parse_queue(const Setting& setting);       ///< 0 to 65535
Setting parse_interface(const Setting& setting);         ///< a name the kernel would allow, not loopback
Address parse_external_address(const Setting& setting);  ///< an IPv4 unicast address
nft::AcceptIn parse_accept_in(const Setting& setting);   ///< "FAMILY TABLE CHAIN"
Setting parse_group(const Setting& setting);             ///< a name of a group, which may not exist
std::string parse_table(const Setting& setting);         ///< a name that nft(8) can read back
std::string parse_control(const Setting& setting);       ///< a path that fits into a socket address
MediaSource parse_media_source(const Setting& setting);  ///< negotiated, latch, any
Mode parse_mode(const Setting& setting);                 ///< auto, rewrite, pinhole, observe, off
Nat parse_nat(const Setting& setting);                   ///< auto, yes, no
Prefix parse_delegates(const Setting& setting);          ///< an address or a prefix of hosts inside
std::uint16_t parse_listen(const Setting& setting);      ///< a port that phones may have opened
/// LO-HI: from 1024 on, LO even (RTP takes the even port of a pair), LO below HI.
std::pair<std::uint16_t, std::uint16_t> parse_media_ports(const Setting& setting);

}  // namespace sipalg::daemon
