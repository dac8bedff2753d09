// Detects changes of nftables by other programs, like `nft monitor`.
#pragma once

#include <cstdint>

#include "alg/sys/fd.hpp"

namespace sipalg::nft {

/// Receives one small message for each transaction of another program. A filter in the kernel drops the
/// daemon's own transactions (those of one port) and the contents of all transactions. If the socket's buffer
/// overflows, changed() still returns true.
class Monitor {
  public:
    /// `own`: the port whose transactions are ignored (Ruleset::port()). Throws Error.
    explicit Monitor(std::uint32_t own);
    /// The same on an existing socket: attaches the filter and reduces the buffer.
    Monitor(Fd socket, std::uint32_t own);

    int descriptor() const { return socket_.get(); }  ///< readable: call changed()
    /// Whether other programs have changed something since the last call. Does not block.
    bool changed();

    /// Leaves the notification group while the object exists, for frequent transactions. While a process is
    /// in the group, the kernel builds a message for each element, even if the filter drops it, and a
    /// transaction takes half as long again (15 to 30 us more for eight elements; leaving and joining costs 1
    /// us). Changes by other programs in the meantime are not reported later. If such a change removed an
    /// object that our transaction needs, the transaction is refused; the ruleset guard asks for
    /// other changes within two seconds.
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
