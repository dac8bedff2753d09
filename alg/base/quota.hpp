// Counts the entries of each host, so that no host can fill a table (X7).
#pragma once

#include <cstddef>

#include "alg/base/staged_map.hpp"
#include "alg/net/address.hpp"

namespace sipalg {

/// Used for phones and for peers. Changes are staged (law 4).
class Quota {
  public:
    std::size_t of(const Address& host) const {
        const std::size_t* count = counts_.find(host);
        return count ? *count : 0;
    }
    void more(const Address& host) { counts_.put(host, of(host) + 1); }
    /// Subtracts one; a count of zero stays zero.
    void fewer(const Address& host) {
        if (of(host) > 1)
            counts_.put(host, of(host) - 1);
        else
            counts_.erase(host);
    }
    void commit() { counts_.commit(); }
    void cancel() { counts_.cancel(); }

  private:
    StagedMap<Address, std::size_t> counts_;
};
}  // namespace sipalg
