// How many things of a kind each phone has, so that one phone can't use up what is there for all (X7).
#pragma once

#include <cstddef>

#include "alg/base/staged_map.hpp"
#include "alg/net/address.hpp"

namespace sipalg {

class Quota {
  public:
    std::size_t of(const Address& phone) const {
        const std::size_t* count = counts_.find(phone);
        return count ? *count : 0;
    }
    void more(const Address& phone) { counts_.put(phone, of(phone) + 1); }
    void fewer(const Address& phone) {
        if (of(phone) > 1)
            counts_.put(phone, of(phone) - 1);
        else
            counts_.erase(phone);
    }
    void commit() { counts_.commit(); }
    void cancel() { counts_.cancel(); }

  private:
    StagedMap<Address, std::size_t> counts_;
};
/// The same of those outside.
using Quota = Quota;

}  // namespace sipalg
