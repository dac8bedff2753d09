// The public ports: which mapping has which, and which of the rest may be given out (A3, X12).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_set>
#include <vector>

#include "alg/base/staged_map.hpp"
#include "alg/kernel/element.hpp"
#include "alg/nat/existing_nat.hpp"
#include "alg/nat/mapping_key.hpp"
#include "alg/nat/ports.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::nat {

/// Each mapping's public endpoint is entered by what messages say (the advertised address) and, where packets
/// have another address, by that as well, so that no port is used twice. Changes are staged (law 4); the
/// router's own sockets and existing NAT are facts, and are not.
class PublicPorts {
  public:
    PublicPorts(std::uint16_t low, std::uint16_t high) : chooser_(low, high) {}

    /// The mapping at a public endpoint, by its advertised or by its real address; nullptr: there is none.
    const MappingKey* find(const Socket& socket) const { return by_socket_.find(socket); }
    void enter(const Mapping& mapping, const Address& advertised);
    void remove(const Mapping& mapping, const Address& advertised);

    /// No mapping has the port at this egress, and no socket of the router.
    bool is_free(Transport transport, const Egress& egress, std::uint16_t port) const;
    /// Flows of another inside host use that public port, or might come to: `preferred` is the port that
    /// `inside` has asked for.
    bool is_others(const Socket& inside, const Address& outside, std::uint16_t port,
                   std::uint16_t preferred) const;
    /// `wanted`, or another port if that is not free; so for `run` consecutive ones. See Ports::choose().
    std::optional<std::uint16_t> choose(std::uint16_t wanted, unsigned run,
                                        const std::function<bool(std::uint16_t)>& is_free) {
        return chooser_.choose(wanted, run, is_free);
    }
    bool in_range(std::uint16_t port) const { return chooser_.in_range(port); }

    void set_occupied(const std::vector<Socket>& sockets);
    ExistingNat& existing_nat() { return existing_nat_; }
    const ExistingNat& existing_nat() const { return existing_nat_; }

    void commit() { by_socket_.commit(); }
    void cancel() { by_socket_.cancel(); }

  private:
    Ports chooser_;
    StagedMap<Socket, MappingKey> by_socket_;
    std::unordered_set<Socket> occupied_;  ///< the router's own
    ExistingNat existing_nat_;
};

}  // namespace sipalg::nat
