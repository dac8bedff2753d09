// Segments of our own in a TCP connection (T1, T3), sent by raw sockets.
#pragma once

#include "alg/net/packet.hpp"
#include "alg/policy/policy.hpp"
#include "alg/sys/fd.hpp"

namespace sipalg::daemon {

/// Sends whole IPv4 packets in the name of others. What a phone would send goes through connection tracking,
/// which translates it as the phone's; what a peer would send bears a mark by which it is kept from it.
class Injector {
  public:
    /// Throws nft::Error without CAP_NET_RAW.
    Injector();
    /// `interface`: index of the one that packets of phones leave by; 0: as the routes say. What can't be
    /// sent is lost, as packets are.
    void send(Side from, Bytes packet, unsigned interface);

  private:
    Fd outward_, inward_;
};

}  // namespace sipalg::daemon
