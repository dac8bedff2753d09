// Sends the daemon's own segments of TCP connections through raw sockets (T1, T3).
#pragma once

#include "alg/net/packet.hpp"
#include "alg/policy/per_side.hpp"
#include "alg/sys/fd.hpp"

namespace sipalg::daemon {

/// Sends whole IPv4 packets with the source address of a phone or a peer. Those of a phone pass connection
/// tracking, which translates them like the phone's own. Those of a peer carry a mark that exempts them from
/// it.
class Injector {
  public:
    /// Throws nft::Error without CAP_NET_RAW.
    Injector();
    /// `interface`: index of the outside interface for packets of phones; 0: the routing table decides. A
    /// packet that cannot be sent is lost, and TCP retransmits it.
    void send(Side from, Bytes packet, unsigned interface);

  private:
    PerSide<Fd> sockets_;  ///< by the side that a packet comes from
};

}  // namespace sipalg::daemon
