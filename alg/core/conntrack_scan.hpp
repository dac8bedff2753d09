// Scans of conntrack find the flows that outlive their mapping, the calls without media or with one-way
// media, and the translations of the owner's own NAT (C6, C7, C12, O5).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_set>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/call/audio_check.hpp"
#include "alg/call/calls.hpp"
#include "alg/kernel/element.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/nat/proven_pairs.hpp"
#include "alg/policy/event.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg {

/// What a scan reads: the whole table, or only the flows that concern the ALG. Those are the flows that rules
/// in the kernel have noted, and the ones that an earlier scan has followed.
enum class Extent : std::uint8_t { whole, own };

/// One scan at a time: begin(), entry() for each conntrack entry, end() or abandon(). Nothing here is staged,
/// because a scan reports facts that no refusal changes.
class ConntrackScan {
  public:
    ConntrackScan(const Policy& policy, nat::Mappings& mappings, nat::ProvenPairs& proofs, call::Calls& calls)
        : policy_(policy), mappings_(mappings), proofs_(proofs), calls_(calls) {}

    /// Whether there are no mappings, neither the ALG's nor the owner's, so that no scan is needed before the
    /// next packet.
    bool idle() const;
    /// Whether a scan is due: mappings or pinholes have changed since the last scan began, calls must be
    /// checked for media, or the mappings of the owner's NAT must be read again. One scan is due before the
    /// first packet (C12).
    bool wanted(Time now) const;
    /// What a scan that begins now must read. The whole table is needed at the start (C12) and after a change
    /// of the router's address (C11), before a call is closed for silence (C6), and for questions about the
    /// owner's NAT that only the whole table can answer (S2).
    Extent extent(Time now) const;
    void begin(Time now, Extent extent = Extent::whole);
    /// Returns true if the conntrack entry must be deleted: a flow of a closed mapping, or one that should
    /// use an open mapping but does not (C7).
    [[nodiscard]] bool entry(const ConntrackEntry& flow, Time now);
    /// Whether later scans must read this flow. Of a whole table, those of hosts that have mappings or
    /// signalling; ask again after the last entry, because their signalling may come after the flow.
    bool follows(const ConntrackEntry& flow) const;
    /// Returns the events to log.
    std::vector<Event> end();
    /// The scan failed; a new one is due.
    void abandon();
    /// The next scan reads the whole table.
    void need_whole() { whole_needed_ = true; }
    /// Flows may be missing in the scan that has ended: one of the whole table is due.
    void repeat_whole() {
        need_whole();
        next_ = Time{0};
    }
    /// S2: the kernel has not noted a translation that a message names. A scan may find it.
    void note_unanswered() { unanswered_ = true; }

    /// The router's address has changed: until a later scan has ended, conntrack may have flows that still
    /// use the old address (C11).
    void note_renumbered() { ++renumbered_; }
    bool old_flows_possible() const { return renumbered_ != renumbered_and_scanned_; }

    const call::AudioCheck& audio() const { return calls_.audio(); }

  private:
    bool silence_due(Time now) const;
    bool question_due(Time now) const;
    enum class Disposition : std::uint8_t { keep, erase };
    std::optional<Disposition> judge(const Mapping& seen, Side begun, const ConntrackEntry& flow, Time now);
    void note_proof(const ConntrackEntry& flow, Time now);
    bool has_closed(const Pinhole& pinhole) const;
    bool was_closed(const Mapping& mapping, const Address& remote, Time now) const;
    void note_existing_nat(const ConntrackEntry& flow, const Mapping& outward, const Mapping& inward);

    const Policy& policy_;
    nat::Mappings& mappings_;
    nat::ProvenPairs& proofs_;
    call::Calls& calls_;
    std::set<Mapping> closed_;  ///< left the kernel before this scan began
    std::set<Pinhole> closed_pinholes_;
    Time next_{0};
    Time begun_{0};
    Extent extent_ = Extent::whole;
    std::unordered_set<Address> hosts_;  ///< with mappings when the scan began, or with signalling in it
    Time whole_begun_{0};                ///< the last scan of the whole table
    bool whole_needed_ = false;
    bool unanswered_ = false;
    bool is_first_ = true;
    std::uint64_t renumbered_ = 0;              ///< changes of the router's address so far
    std::uint64_t renumbered_at_begin_ = 0;     ///< the changes before this scan began
    std::uint64_t renumbered_and_scanned_ = 0;  ///< the changes before a scan that has ended
};

}  // namespace sipalg
