// A change of the router's addresses, as it affects mappings, calls and bindings (C11).
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

/// The new address for each old one, and the number of entries that have moved.
class Renumbering {
  public:
    /// `moves` must outlive this. `within`: an address may move to itself, for mappings that must leave their
    /// ports (X12).
    explicit Renumbering(std::span<const AddressChange> moves, bool within = false)
        : moves_(moves), counts_(moves.size()), has_moved_mappings_(moves.size()), within_(within) {}

    struct Counts {
        std::size_t calls = 0, bindings = 0, mappings = 0, pinholes = 0;
        std::size_t other_ports = 0;  ///< mappings whose port is not free at the new address
        std::size_t lost = 0;         ///< mappings for which no port was left
    };

    /// The new egress of a mapping at `egress`; nullptr: unchanged.
    const Egress* target(const Egress& egress) const {
        const AddressChange* move = find(egress.address);
        const bool stays = !move || (!within_ && move->to.address == egress.address &&
                                     move->to.advertised == egress.advertised);
        return stays ? nullptr : &move->to;
    }
    /// The same for a call or binding, which also moves if only the ports of its mappings change.
    const Egress* target_of_user(const Egress& egress) const {
        const AddressChange* move = find(egress.address);
        return move && has_moved_mappings_[index(*move)] ? &move->to : target(egress);
    }
    /// The counts of the move away from `from`. Precondition: there is such a move.
    Counts& counts(const Address& from) { return counts_[index(*find(from))]; }
    std::span<const AddressChange> moves() const { return moves_; }

    /// The public port that a mapping had before; nullopt: it has not moved.
    std::optional<std::uint16_t> old_port(const MappingKey& old) const {
        const auto it = old_ports_.find(old);
        return it == old_ports_.end() ? std::nullopt : std::optional(it->second);
    }
    void note_old_port(const MappingKey& old, std::uint16_t port) {
        old_ports_.emplace(old, port);
        has_moved_mappings_[index(*find(old.outside))] = true;
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
    std::vector<Counts> counts_;            ///< one for each move
    std::vector<bool> has_moved_mappings_;  ///< one for each move
    bool within_;
    std::unordered_map<MappingKey, std::uint16_t, MappingKeyHash> old_ports_;
};

}  // namespace sipalg::nat
