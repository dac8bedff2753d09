// Tells when another program has changed the kernel's nftables, as `nft monitor` would.
#pragma once

#include <cstdint>

#include "alg/sys/fd.hpp"

namespace sipalg::nft {

/// Receives one small message for each transaction of other programs. Our own transactions (those of one
/// port) and the contents of any transaction are filtered out in the kernel. When the socket's buffer
/// overflows, changed() still says that something changed.
class Monitor {
  public:
    /// `own`: the port whose transactions don't count (Ruleset::port()). Throws Error.
    explicit Monitor(std::uint32_t own);
    /// The same on a socket that exists: attaches the filter and makes the buffer small.
    Monitor(Fd socket, std::uint32_t own);

    int descriptor() const { return socket_.get(); }  ///< readable: call changed()
    /// Whether other programs have changed something since the last call. Does not block.
    bool changed();

    /// Leaves the notification group for as long as it lives; for frequent transactions. While a process
    /// listens, the kernel builds a message for each element, also for those that a filter drops, and a
    /// transaction takes half as long again (15 to 30 us more for eight elements; leaving and joining costs
    /// 1 us). Changes of other programs in that time are not reported later. If they removed something that
    /// our transaction needs, it is refused; anything else is only found by a look from time to time.
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
    Fd socket_;
};

}  // namespace sipalg::nft
