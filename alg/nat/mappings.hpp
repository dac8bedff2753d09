// The NAT mappings: the public endpoint of each inside endpoint, its users, and its lifetime (A3).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "alg/base/deadline_queue.hpp"
#include "alg/base/quota.hpp"
#include "alg/base/staged_map.hpp"
#include "alg/kernel/element.hpp"
#include "alg/nat/listeners.hpp"
#include "alg/nat/mapping_key.hpp"
#include "alg/nat/old_endpoints.hpp"
#include "alg/nat/pinholes.hpp"
#include "alg/nat/public_ports.hpp"
#include "alg/nat/renumbering.hpp"
#include "alg/nat/shown_form.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::nat {

/// A mapping is in the kernel until kernel_until. Its users (calls, bindings, connections), signalling
/// (idle_until) and keep-alives, which only conntrack sees, keep it there. Afterwards its port stays reserved
/// until linger_until, so that a late retransmission leaves with the same bytes (C10). A mapping that only
/// calls have used stays in the kernel meanwhile, for the next call with the same endpoint (P2).
struct MappingEntry {
    Mapping mapping;
    Address advertised;  ///< the address that messages name in place of mapping.outside.address
    std::uint32_t users = 0;
    Time idle_until{0}, linger_until{0}, kernel_until{0};
    Time last_flow{0};         ///< time of the last packet in conntrack
    bool adopted = false;      ///< taken from conntrack (C12), so its flows need not be deleted
    bool consecutive = false;  ///< second port of a pair (RTCP): public port = that of the previous one + 1
    bool diverted = false;     ///< it has a Diversion element
    bool reachable = false;    ///< it has a Reachable element
    ShownForm shown;
    bool of_calls = false;  ///< only calls have used it

    /// Whether the mapping has lost its last call, and the kernel keeps it for the next one.
    bool is_kept_for_calls() const { return of_calls && users == 0; }
    Endpoint public_endpoint() const { return {advertised, mapping.outside.port}; }
    MappingKey key() const { return {{mapping.transport, mapping.inside}, mapping.outside.address}; }
};

inline Reachable reachable_of(const MappingEntry& entry) {
    return {entry.mapping.transport, entry.mapping.outside};
}

/// The number of mappings of an emergency call that may use the reserve: audio, video, text and signalling.
inline constexpr std::size_t mappings_of_emergency_call = 8;

/// The requirements for the public port of a new mapping.
struct PortWish {
    std::uint16_t preferred = 0;  ///< taken if free; 0: the inside port
    unsigned run = 1;             ///< this many consecutive ports must be free (RTP with its RTCP: 2)
    bool exact = false;           ///< only `preferred` is acceptable
    bool media = false;           ///< no URI names it
    bool emergency = false;       ///< of an emergency call: may use the reserve (X7)
};

/// The table of mappings, and the pinholes to them. Changes are staged (law 4): commit() keeps them, cancel()
/// takes them back.
class Mappings {
  public:
    Mappings(const Policy& policy, const Hosts& hosts);

    /// These return nullptr if there is no such mapping.
    const MappingEntry* find(const MappingKey& key) const { return mappings_.find(key); }
    /// By its public endpoint in messages: advertised address and port.
    const MappingEntry* find_public(const Socket& socket) const;
    /// By its public endpoint in packets.
    const MappingEntry* find_outside(const Socket& socket) const;
    /// By a public endpoint that it had before the router's address changed (C11).
    const MappingEntry* find_old(const Socket& socket) const;
    /// By any public endpoint that a message from outside may name: the present one or an old one.
    const MappingEntry* find_named(const Socket& socket) const {
        const MappingEntry* entry = find_public(socket);
        return entry ? entry : find_old(socket);
    }
    const OldEndpoints& old_endpoints() const { return old_endpoints_; }
    Pinholes& pinholes() { return pinholes_; }
    const Pinholes& pinholes() const { return pinholes_; }
    Listeners& listeners() { return listeners_; }
    const Listeners& listeners() const { return listeners_; }
    const auto& all() const { return mappings_; }
    const Treatments& treatments() const { return policy_.treatments; }

    /// Whether the mapping has no user and only keeps its port: what conntrack says about it is better.
    bool is_lingering(const MappingEntry& entry, Time now) const;
    /// The mapping of `inside`, made if there is none; it enters the kernel with acquire() or refresh().
    /// `changes` receives the removals of lingering mappings that give way to it.
    /// nullptr: the port is forbidden (X2), no port is left, or a limit is reached (X7).
    const MappingEntry* map(const Socket& inside, const Egress& egress, const PortWish& wish, Time now,
                            std::vector<Change>& changes);
    /// Keeps the mapping's public port next to that of the previous inside port, also after renumber().
    void set_consecutive(const MappingKey& key) { mappings_.edit(key)->consecutive = true; }
    /// Keeps a mapping that signalling has used for another idle_time, with a Diversion if `divert`, and with
    /// a Reachable if `reachable` and the owner allows some peers. True: it is new in the kernel.
    bool refresh(const MappingKey& key, bool divert, Time now, std::vector<Change>& changes,
                 bool reachable = true);
    /// Lets allowed peers send to a mapping that signalling uses, if the owner allows some.
    void make_reachable(const MappingKey& key, Time now, std::vector<Change>& changes);
    /// Makes the mapping that conntrack has for a phone's signalling endpoint, before the phone has sent a
    /// message (C12). True: it is new in the kernel.
    bool adopt(const Socket& inside, const Egress& egress, bool divert, Time now,
               std::vector<Change>& changes);

    /// Adds a user, which needs the mapping until `until`.
    void acquire(const MappingKey& key, Time until, Time now, std::vector<Change>& changes);
    /// A user needs the mapping until `until`: renews the kernel's timeout if it ends earlier.
    void extend(const MappingKey& key, Time until, Time now, std::vector<Change>& changes);
    /// Removes a user.
    void release(const MappingKey& key, Time now, std::vector<Change>& changes);

    /// Sets the form in which messages show the mapping to the phone.
    void set_shown(const MappingEntry& entry, const ShownForm& form) {
        if (entry.shown != form) mappings_.edit(entry.key())->shown = form;
    }
    /// Notes that the last packet of the mapping in conntrack was at `at`. Not staged.
    void note_flow(const MappingKey& key, Time at);

    /// Until `until`, messages may name the mapping by its old endpoint `shown` (C11).
    void note_old_endpoint(const Socket& shown, const MappingKey& key, Time until) {
        if (find_public(shown) != find(key)) old_endpoints_.add(shown, key, until);
    }
    /// C11: moves the mappings to the router's new addresses, with their users and timeouts. A mapping keeps
    /// its public port if that is free, else it gets another one; pairs stay pairs. A mapping for which no
    /// port is left is removed in spite of its users.
    void renumber(Renumbering& renumbering, Time now, std::vector<Change>& changes);

    /// Removes expired mappings and frees their ports.
    void expire(Time now, std::vector<Change>& changes);
    std::optional<Time> next_deadline() const;
    /// The mappings of the host with the most.
    std::size_t largest_share() const { return per_phone_.largest(); }
    /// For tests: the number of mappings with a deadline.
    std::size_t deadlines() const { return deadlines_.size(); }

    /// Mappings of the owner's NAT, as conntrack scans report them.
    ExistingNat& existing_nat() { return ports_.existing_nat(); }
    const ExistingNat& existing_nat() const { return ports_.existing_nat(); }
    /// Sets the ports of the router's own sockets.
    void set_occupied(const std::vector<Socket>& sockets) { ports_.set_occupied(sockets); }

    /// X12: the ports that the owner's ruleset forwards. Replaces the previous ones; not staged.
    void set_forwards(std::vector<PortForward> forwards) { ports_.forwards().set(std::move(forwards)); }
    const std::vector<PortForward>& forwards() const { return ports_.forwards().all(); }
    /// The addresses at which mappings have ports that the owner forwards to other hosts, each once.
    std::vector<Egress> at_forwarded_ports() const;
    /// UDP ports of the range for media that the owner does not forward.
    std::size_t media_ports_left() const {
        return ports_.forwards().left(policy_.media_low, policy_.media_high);
    }

    /// Adds an addition for each element that the kernel should have, if not `lasting`, else for those that
    /// another run of the daemon needs.
    void list(Time now, bool lasting, std::vector<Change>& changes) const;

    /// Mappings that have lost their last user and pinholes that have left the kernel since the last call,
    /// for the next conntrack scan (C7).
    struct Closed {
        std::vector<Mapping> mappings;
        std::vector<Pinhole> pinholes;
    };
    Closed take_closed();
    /// Whether an element has entered the kernel or is no longer used since the last take_closed(). Refused
    /// changes count too.
    bool changed() const { return changed_ || pinholes_.changed(); }

    void commit();
    void cancel();
    /// See State::shrink().
    void shrink() {
        mappings_.shrink();
        ports_.shrink();
        pinholes_.shrink();
        deadlines_.shrink();
        closed_.shrink_to_fit();
    }

  private:
    friend class MappingMover;     // C11
    friend class MappingRestorer;  // A5

    const MappingEntry& enter(const Mapping& mapping, const Egress& egress, const PortWish& wish,
                              bool adopted, Time now);
    bool has_room(const Address& phone, bool emergency, Time now, std::vector<Change>& changes);
    /// Returns the port that is freed; nullopt: no mapping is lingering.
    std::optional<std::uint16_t> forget_oldest_lingering(Time now, std::vector<Change>& changes);
    void forget(const MappingEntry& entry, Time now, std::vector<Change>& changes);
    /// Removes lingering mappings that contradict conntrack about one of these two sockets.
    void forget_contradicted(const MappingKey& inside, const ExistingNat::Way& way, const Egress& egress,
                             Time now, std::vector<Change>& changes);
    /// Frees the ports of lingering mappings if no other port is left (X7).
    std::optional<std::uint16_t> choose_port(std::uint16_t wanted, unsigned run, Time now,
                                             const std::function<bool(std::uint16_t)>& is_free,
                                             std::vector<Change>& changes);
    void note_outside_address(const Address& outside);
    /// The time until which mappings of the same inside endpoint at other outside addresses need its
    /// Diversion; 0: none does.
    Time others_divert_until(const MappingEntry& entry) const;
    /// A change of the mapping in the kernel.
    static Change change_of(const MappingEntry& entry, Change::Op op, Time now);
    void add_diversion(const MappingEntry& entry, Change::Op op, Time now,
                       std::vector<Change>& changes) const;
    /// Keeps the mapping's elements in the kernel at least until `until`. `again`: writes them in any case.
    void keep_in_kernel(MappingEntry& entry, Time until, Time now, std::vector<Change>& changes,
                        bool again = false);
    void remove_from_kernel(const MappingEntry& entry, Time now, std::vector<Change>& changes);
    /// Has the flows of the mapping deleted, which has lost its last user (C7).
    void close_flows(const MappingEntry& entry);
    void schedule(const MappingEntry& entry, Time now);

    const Policy& policy_;
    StagedMap<MappingKey, MappingEntry, MappingKeyHash> mappings_;
    PublicPorts ports_;
    Pinholes pinholes_;
    OldEndpoints old_endpoints_;
    Listeners listeners_;
    Quota per_phone_;
    DeadlineQueue<MappingKey, MappingKeyHash> deadlines_;
    std::vector<Address> outside_addresses_;  ///< addresses that mappings have or had; few
    std::deque<MappingKey> lingering_;  ///< oldest first; some are no longer in the table, or in use again
    std::vector<Mapping> closed_;
    bool changed_ = false;
};

}  // namespace sipalg::nat
