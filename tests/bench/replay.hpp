// Packets played through the core in memory, without kernel, queue or socket.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "tests/bench/message.hpp"

namespace bench {

using Packet = std::vector<std::uint8_t>;

/// An IPv4 packet with UDP; the checksums are left to "hardware", as on the queue. At most 65507 bytes of
/// payload.
Packet packet(const Endpoint& from, const Endpoint& to, std::string_view payload);

/// A state with room for the whole run, between the inside and one outside address.
class Core {
  public:
    /// `calls` at once, all of them of one phone if need be.
    Core(const std::string& outside_address, std::size_t calls);

    /// inspect() and commit(). The decision stays until the next call.
    const sipalg::Decision& take(sipalg::Side from, const Packet& bytes, sipalg::Time now);

    sipalg::Totals totals() const { return sipalg::totals(state_); }
    sipalg::State& state() { return state_; }
    const sipalg::Egress& egress() const { return egress_; }

  private:
    sipalg::State state_;
    sipalg::Egress egress_;
    sipalg::Decision decision_;
};

}  // namespace bench
