// Moves mappings and pinholes to the router's new addresses (C11).
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "alg/kernel/element.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/nat/renumbering.hpp"

namespace sipalg::nat {

// Theory of operation. First move all mappings that can keep their ports, then the others, so that these take
// no port that another mapping could keep. The ports of a run (RTP and its RTCP) stay together: all of them
// are kept, or none. Removals reach the kernel before additions, because both may name the same inside
// endpoint.
class MappingMover {
  public:
    MappingMover(Mappings& mappings, Renumbering& renumbering, Time now, std::vector<Change>& changes)
        : all_(mappings), renumbering_(renumbering), now_(now), changes_(changes) {}

    void run();

  private:
    /// Mappings with consecutive ports.
    struct Run {
        std::size_t first = 0, count = 0;  ///< in leaving_
    };

    void take_out();
    std::vector<Run> runs() const;
    const Egress& target(const MappingEntry& entry) const {
        return *renumbering_.target({entry.mapping.outside.address, entry.advertised});
    }
    bool is_free(const MappingEntry& entry, std::uint16_t port, unsigned run) const;
    /// Whether the phone's endpoint has a mapping at the new address, because it has already used that
    /// address.
    bool exists(const MappingEntry& entry) const;
    /// False: some port of the run is not free at the new address.
    [[nodiscard]] bool keep_ports(const Run& run);
    void take_other_ports(const Run& run);
    void place(const MappingEntry& old, std::uint16_t port);
    MappingEntry join_existing(const MappingEntry& old, MappingEntry& there);
    void lose(const MappingEntry& old);
    void remove_from_kernel(const MappingEntry& old);
    void move_pinholes();

    Mappings& all_;
    Renumbering& renumbering_;
    const Time now_;
    std::vector<Change>& changes_;
    std::vector<Change> additions_;
    std::vector<MappingEntry> leaving_;
    std::unordered_map<Socket, Endpoint> outsides_;  ///< old to new; port 0: no port was left
};

}  // namespace sipalg::nat
