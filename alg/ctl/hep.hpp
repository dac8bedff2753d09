// HEPv3, the protocol in which Homer and sngrep receive packets
// (<https://github.com/sipcapture/HEP/blob/master/docs/HEP3NetworkProtocolSpecification_REV32.pdf>).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "alg/net/address.hpp"

namespace sipalg::ctl {

struct HepPacket {
    Transport transport = Transport::udp;
    Endpoint source, destination;  ///< of one family
    std::int64_t time_us = 0;      ///< since 1970
    std::uint32_t agent = 0;       ///< number of the capture agent
    std::string_view correlation;  ///< Call-ID; cut after 1,024 bytes
    std::string_view payload;      ///< SIP; cut after 64,000 bytes
};
/// One datagram.
std::string hep3(const HepPacket& packet);

/// Sends datagrams to a collector. Throws std::runtime_error if `target` ("host:port", "[addr]:port") cannot
/// be resolved. A datagram that is refused is lost.
class HepSender {
  public:
    explicit HepSender(const std::string& target);
    ~HepSender();
    HepSender(const HepSender&) = delete;
    HepSender& operator=(const HepSender&) = delete;
    /// False: too long for a datagram, or refused.
    bool send(const std::string& datagram);

  private:
    int fd_ = -1;
};

}  // namespace sipalg::ctl
