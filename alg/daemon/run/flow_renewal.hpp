// Renews signalling flows that are older than the helper, which keeps them out of flowtables (A8, C12).
//
// Theory of operation. A helper can only be assigned to a connection's first packet. The conntrack entry of
// an older flow is therefore deleted, and the next packet makes a new one with the helper. Until the phone
// sends, that may be a packet of the peer, so before the deletion the table must have the flow's mapping and
// a pinhole for its peer. A TCP connection can't be deleted without harm; it stays unread until it ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "alg/kernel/element.hpp"

namespace sipalg::daemon {

/// Finds such flows. Call entry() for each conntrack entry.
class FlowRenewal {
  public:
    /// The timeout of adopted elements: until the phone's next REGISTER, and not longer than a registration
    /// (C8).
    static constexpr Seconds adopted_for{86'400};

    /// Whether the route to an address leads outside.
    using Outside = std::function<bool(const Address&)>;
    /// `stored`: the elements of the table. `adopt`: whether to make elements for flows without any.
    FlowRenewal(std::vector<std::uint16_t> sip_ports, std::vector<Address> own_addresses, Outside outside,
                std::span<const StoredElement> stored, bool adopt);

    void entry(const ConntrackEntry& flow);

    /// Mappings and diversions to add, for flows that the table does not know.
    const std::vector<Change>& adopted() const { return adopted_; }
    /// Pinholes for their peers. Flows that saw no reply have none.
    const std::vector<Change>& pinholes() const { return pinholes_; }
    /// UDP entries to delete once all of these are in the table.
    const std::vector<ConntrackTuple>& to_erase() const { return to_erase_; }
    /// TCP connections, and UDP flows that could not be adopted.
    std::size_t left() const { return left_; }

  private:
    /// A flow from the router's point of view.
    struct Seen {
        Mapping mapping;  ///< inside and outside are equal if nothing is translated
        Endpoint peer;
    };
    std::optional<Seen> find_ends(const ConntrackEntry& flow) const;
    bool is_sip(const Endpoint& endpoint) const;
    bool is_own(const Address& address) const;
    bool is_known(const Mapping& mapping) const;
    bool is_taken(const Mapping& mapping) const;
    void adopt(const Seen& seen);

    std::vector<std::uint16_t> sip_ports_;
    std::vector<Address> own_addresses_;
    Outside outside_;
    bool adopt_;
    std::vector<Mapping> mappings_;  ///< first those of the table, then the adopted ones
    std::vector<Diversion> diversions_;
    std::size_t known_mappings_ = 0, known_diversions_ = 0;  ///< of the table
    std::vector<Change> adopted_, pinholes_;
    std::vector<ConntrackTuple> to_erase_;
    std::size_t left_ = 0;
};

}  // namespace sipalg::daemon
