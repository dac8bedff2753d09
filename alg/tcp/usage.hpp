// The use of the shared limits by TCP connections, in total and for each phone (X7).
#pragma once

#include <cstddef>
#include <unordered_map>

#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::tcp {

class Usage {
  public:
    struct Counts {
        std::size_t connections = 0, memory = 0, queued = 0;  ///< connections, bytes, queued packets
    };

    explicit Usage(const Policy& policy) : policy_(policy) {}

    /// Notes that the use of one connection of `phone` changes from `before` to `after`.
    void change(const Address& phone, const Counts& before, const Counts& after);

    bool may_open(const Address& phone) const {
        return has_room(phone) && total_.connections < policy_.max_streams;
    }
    /// Whether the phone may have one more connection.
    bool has_room(const Address& phone) const {
        return of(phone).connections < policy_.max_streams_per_phone;
    }
    /// Whether no memory is left for an incomplete message of that phone.
    bool is_full(const Address& phone) const { return exceeds(phone, 1); }
    /// Whether no memory is left for bytes that were already sent and are only read.
    bool is_exhausted(const Address& phone) const { return exceeds(phone, 2); }
    bool may_queue(const Address& phone) const {
        return total_.queued < policy_.max_held_segments &&
               of(phone).queued < policy_.max_held_segments_per_phone;
    }
    const Counts& total() const { return total_; }
    Counts of(const Address& phone) const;

  private:
    bool exceeds(const Address& phone, std::size_t times) const {
        return total_.memory > times * policy_.max_stream_memory ||
               of(phone).memory > times * policy_.max_stream_memory_per_phone;
    }

    const Policy& policy_;
    Counts total_;
    std::unordered_map<Address, Counts> per_phone_;
};

}  // namespace sipalg::tcp
