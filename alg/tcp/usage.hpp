// The use of the shared limits by TCP connections, in total and for each phone (X7).
#pragma once

#include <cstddef>
#include <unordered_map>

#include "alg/base/hosts.hpp"
#include "alg/base/quota.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::tcp {

class Usage {
  public:
    struct Counts {
        std::size_t connections = 0, memory = 0, queued = 0;  ///< connections, bytes, queued packets
    };

    Usage(const Policy& policy, const Hosts& hosts) : policy_(policy), hosts_(hosts) {}

    /// Notes that the use of one connection of `phone` changes from `before` to `after`.
    void change(const Address& phone, const Counts& before, const Counts& after);

    bool may_open(const Address& phone) const {
        const bool guaranteed = is_guaranteed(phone, of(phone).connections, policy_.max_streams_per_phone);
        return has_room(phone) && sipalg::has_room(total_.connections, policy_.max_streams, guaranteed);
    }
    /// Whether the phone may have one more connection.
    bool has_room(const Address& phone) const {
        return of_host(phone).connections < policy_.max_streams_per_phone ||
               is_guaranteed(phone, of(phone).connections, policy_.max_streams_per_phone);
    }
    /// Whether no memory is left for an incomplete message of that phone.
    bool is_full(const Address& phone) const { return exceeds(phone, 1); }
    /// Whether no memory is left for bytes that were already sent and are only read.
    bool is_exhausted(const Address& phone) const { return exceeds(phone, 2); }
    bool may_queue(const Address& phone) const {
        const std::size_t share = policy_.max_held_segments_per_phone;
        const bool guaranteed = is_guaranteed(phone, of(phone).queued, share);
        return sipalg::has_room(total_.queued, policy_.max_held_segments, guaranteed) &&
               (guaranteed || of_host(phone).queued < share);
    }
    const Counts& total() const { return total_; }
    Counts of(const Address& phone) const;       ///< of the address itself
    Counts of_host(const Address& phone) const;  ///< of all addresses of its host
    /// The largest count of any host, for each limit separately.
    Counts largest() const;

  private:
    struct Own {
        Counts counts;
        Address host;  ///< the host that they are counted for
    };

    bool exceeds(const Address& phone, std::size_t times) const {
        const std::size_t share = policy_.max_stream_memory_per_phone;
        const bool guaranteed = is_guaranteed(phone, of(phone).memory, share);
        return !sipalg::has_room(total_.memory, times * policy_.max_stream_memory + 1, guaranteed) ||
               (!guaranteed && of_host(phone).memory > times * share);
    }
    /// X7: whether a use is within the part that a proven phone has for itself.
    bool is_guaranteed(const Address& phone, std::size_t use, std::size_t share) const {
        return use < guaranteed(share) && hosts_.is_proven(phone);
    }

    const Policy& policy_;
    const Hosts& hosts_;
    Counts total_;
    std::unordered_map<Address, Own> per_phone_;
    std::unordered_map<Address, Counts> per_host_;
};

}  // namespace sipalg::tcp
