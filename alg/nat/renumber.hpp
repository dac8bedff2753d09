// The router's address has changed: what that means for mappings, and with them for calls and bindings (C11).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "alg/nat/mapping_key.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::nat {

/// What moves from one address to another, and how much of it there is.
class Renumbering {
  public:
    explicit Renumbering(std::span<const AddressChange> moves)
        : moves_(moves), counts_(moves.size()), move_any_(moves.size()) {}

    struct Counts {
        std::size_t calls = 0, bindings = 0, mappings = 0, pinholes = 0;
        std::size_t other_ports = 0;  ///< mappings whose port is not free at the new address
        std::size_t lost = 0;         ///< mappings for which no port was left
    };

    /// The new egress of what stands at `egress`; nullptr: it stays as it is.
    const Egress* target(const Egress& egress) const {
        const AddressChange* move = find(egress.address);
        const bool stays =
            !move || (move->to.address == egress.address && move->to.advertised == egress.advertised);
        return stays ? nullptr : &move->to;
    }
    /// The same for a call or binding: it goes along, too, when only the ports of its mappings are others
    /// now.
    const Egress* target_of_holder(const Egress& egress) const {
        const AddressChange* move = find(egress.address);
        return move && move_any_[index(*move)] ? &move->to : target(egress);
    }
    /// Of the move away from `from`, which must be one.
    Counts& counts(const Address& from) { return counts_[index(*find(from))]; }
    std::span<const AddressChange> moves() const { return moves_; }

    /// The public port that a mapping had; nullopt: it had that of its successor.
    std::optional<std::uint16_t> former_port(const MappingKey& former) const {
        const auto it = former_ports_.find(former);
        return it == former_ports_.end() ? std::nullopt : std::optional(it->second);
    }
    void note_port(const MappingKey& former, std::uint16_t port) {
        former_ports_.emplace(former, port);
        move_any_[index(*find(former.outside))] = true;
    }

  private:
    const AddressChange* find(const Address& from) const {
        for (const AddressChange& move : moves_)
            if (move.from == from) return &move;
        return nullptr;
    }
    std::size_t index(const AddressChange& move) const {
        return static_cast<std::size_t>(&move - moves_.data());
    }

    std::span<const AddressChange> moves_;
    std::vector<Counts> counts_;
    std::vector<bool> move_any_;  ///< some mapping moves
    std::unordered_map<MappingKey, std::uint16_t, MappingKeyHash> former_ports_;
};

}  // namespace sipalg::nat
