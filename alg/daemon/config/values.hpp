// Parses the values of options. Errors name the accepted values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "alg/daemon/config/config_file.hpp"
#include "alg/net/address.hpp"
#include "alg/net/port_range.hpp"
#include "nft/settings.hpp"

namespace sipalg::daemon {

/// All throw UsageError.
bool parse_switch(const Setting& setting);         ///< empty (command line), yes, no, true, false
std::uint16_t parse_port(const Setting& setting);  ///< 1 to 65535
/// 1 to `most`.
std::size_t parse_limit(const Setting& setting, std::size_t most);
std::string parse_emergency_number(const Setting& setting);  ///< digits, * and #, at most 15
std::size_t parse_history(const Setting& setting);           ///< 0 to 10000
std::uint16_t parse_queue(const Setting& setting);           ///< 0 to 65535
Setting parse_interface(const Setting& setting);             ///< a valid interface name, not loopback
Address parse_external_address(const Setting& setting);      ///< an IPv4 unicast address
nft::AcceptIn parse_accept_in(const Setting& setting);       ///< "FAMILY TABLE CHAIN"
Setting parse_group(const Setting& setting);                 ///< the name of a group, which need not exist
std::string parse_table(const Setting& setting);             ///< a name that nft(8) can parse
std::string parse_control(const Setting& setting);           ///< a path that fits into a socket address
std::string parse_state(const Setting& setting);             ///< an absolute path of a file
MediaSource parse_media_source(const Setting& setting);      ///< negotiated, latch, any
Mode parse_mode(const Setting& setting);                     ///< auto, rewrite, pinhole, observe, off
Nat parse_nat(const Setting& setting);                       ///< auto, yes, no
Prefix parse_delegates(const Setting& setting);              ///< an address or a prefix of hosts inside
std::uint16_t parse_listen(const Setting& setting);          ///< a port that may be opened for phones
/// LO-HI: LO is even (RTP uses the even port of a pair), at least 1024 and below HI.
std::pair<std::uint16_t, std::uint16_t> parse_media_ports(const Setting& setting);
PortRange parse_public_ports(const Setting& setting);  ///< LO-HI: LO is at least 1024 and not above HI

}  // namespace sipalg::daemon
