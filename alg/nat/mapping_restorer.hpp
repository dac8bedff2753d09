// Restores the mappings and pinholes of an earlier daemon from the kernel (A5).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "alg/kernel/element.hpp"
#include "alg/nat/mappings.hpp"

namespace sipalg::nat {

/// Restores in two steps, one before and one after the calls, bindings and connections that use the mappings.
/// The time is linear in the number of elements.
class MappingRestorer {
  public:
    /// `mappings` must be empty. Both must outlive this object.
    MappingRestorer(Mappings& mappings, std::span<const StoredElement> elements, Time now)
        : all_(mappings), elements_(elements), now_(now) {}

    /// The address that messages name in place of an address of the router (Egress).
    using Advertised = std::function<Address(const Address&)>;
    /// First step: mappings with their diversions, and pinholes, all without users.
    void begin(const Advertised& advertised);
    /// Second step: Reachable elements, and diversions of phones that are not translated, which are renewed
    /// if their mapping was. Removes the Reachable elements that have no mapping, and the pinholes that have
    /// no user. A mapping with users lives as long as they do.
    void end(std::vector<Change>& changes);

  private:
    void restore(const Mapping& mapping, const Address& advertised, Time until, const SharedText& note);
    void restore(const Diversion& diversion, Time until);
    /// nullptr: there is no such mapping.
    [[nodiscard]] const MappingEntry* restore(const Reachable& reachable);

    Mappings& all_;
    std::span<const StoredElement> elements_;
    Time now_;
};

}  // namespace sipalg::nat
