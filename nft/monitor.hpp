// Hears from the kernel that another program has changed its nftables, as `nft monitor` would.
#pragma once

#include <cstdint>

#include "nft/link.hpp"

namespace sipalg::nft {

/// One small message for each transaction of others; those of one port, our own, are not heard, nor is what
/// any of them contains. Where more happens than it keeps in mind, it still says that something did.
class Monitor {
  public:
    /// `own`: the port whose transactions don't count (Ruleset::port()). Throws Error.
    explicit Monitor(std::uint32_t own);
    /// The same on a socket that exists: the filter is put on it, and it is made to keep little.
    Monitor(NetlinkSocket socket, std::uint32_t own);

    int descriptor() const { return mnl_socket_get_fd(socket_.get()); }  ///< readable when to ask changed()
    /// Whether others have changed something since this was last asked; without blocking.
    bool changed();

    /// While it lives, nothing is heard. For transactions that are frequent: as soon as anybody listens, the
    /// kernel makes a message for each element, also for those that a filter drops, and the transaction takes
    /// half as long again (15 to 30 us more for eight elements; to be away costs 1 us). What others commit
    /// meanwhile is not heard later either. A transaction that they took the ground from is refused; whatever
    /// else they did, only a look from time to time finds it.
    class Away {
      public:
        explicit Away(Monitor& monitor);
        ~Away();
        Away(const Away&) = delete;
        Away& operator=(const Away&) = delete;

      private:
        Monitor& monitor_;
    };

  private:
    NetlinkSocket socket_;
};

}  // namespace sipalg::nft
