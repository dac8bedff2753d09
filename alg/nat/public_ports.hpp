// The public ports: their mappings, and the ports that are free for new mappings (A3, X12).
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
#include "alg/nat/port_forwards.hpp"
#include "alg/nat/ports.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::nat {

/// Each public endpoint is listed with its advertised address and, if packets have another address, with that
/// too, so that no port is used twice. Changes are staged (law 4), except for the router's own sockets,
/// existing NAT and the owner's port forwards, which are facts.
class PublicPorts {
  public:
    explicit PublicPorts(const Policy& policy)
        : chooser_({policy.media_low, policy.media_high}, policy.public_ports), existing_nat_(policy) {}

    /// The mapping at a public endpoint, by its advertised or by its real address; nullptr: there is none.
    const MappingKey* find(const Socket& socket) const { return by_socket_.find(socket); }
    void enter(const Mapping& mapping, const Address& advertised);
    void remove(const Mapping& mapping, const Address& advertised);

    /// Whether neither a mapping nor a socket of the router has the port at this egress.
    bool is_free(Transport transport, const Egress& egress, std::uint16_t port) const;
    /// Whether another inside host uses this public port, or may use it: it has flows there, or the owner
    /// forwards the port to it. `preferred`: the port that `inside` prefers, the first of `run` ones.
    bool is_others(const Socket& inside, const Address& outside, std::uint16_t port, std::uint16_t preferred,
                   unsigned run) const;
    /// Whether another phone has that port with the other transport. A URI often names no transport, so one
    /// port must not belong to two phones (C9).
    bool is_another_phones(const Socket& inside, const Address& outside, std::uint16_t port) const;
    /// `wanted`, or another port if `run` consecutive ports from `wanted` on are not free. See
    /// Ports::choose().
    std::optional<std::uint16_t> choose(std::uint16_t wanted, unsigned run,
                                        const std::function<bool(std::uint16_t)>& is_free) {
        return chooser_.choose(wanted, run, is_free);
    }
    bool in_range(std::uint16_t port) const { return chooser_.in_range(port); }

    void set_occupied(const std::vector<Socket>& sockets);
    ExistingNat& existing_nat() { return existing_nat_; }
    const ExistingNat& existing_nat() const { return existing_nat_; }
    PortForwards& forwards() { return forwards_; }
    const PortForwards& forwards() const { return forwards_; }

    void commit() { by_socket_.commit(); }
    void cancel() { by_socket_.cancel(); }
    void shrink() { by_socket_.shrink(); }

  private:
    Ports chooser_;
    StagedMap<Socket, MappingKey> by_socket_;
    std::unordered_set<Socket> occupied_;  ///< the router's own
    ExistingNat existing_nat_;
    PortForwards forwards_;
};

}  // namespace sipalg::nat
