// What the kernel holds for us: mappings and pinholes, who needs them, and until when.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "alg/base/deadline_queue.hpp"
#include "alg/base/quota.hpp"
#include "alg/base/staged_map.hpp"
#include "alg/kernel/element.hpp"
#include "alg/nat/existing_nat.hpp"
#include "alg/nat/mapping_key.hpp"
#include "alg/nat/old_endpoints.hpp"
#include "alg/nat/ports.hpp"
#include "alg/nat/renumber.hpp"
#include "alg/policy/policy.hpp"
#include "alg/rewrite/translation.hpp"

namespace sipalg::nat {

/// A mapping is in the kernel while kernel_until is ahead. It is kept by holders (calls, bindings) and by
/// signalling activity (idle_until), keep-alives included, which only conntrack sees; when both are gone, its
/// port stays reserved until linger_until so that a late retransmission is written as before (C10).
struct MappingEntry {
    Mapping mapping;
    Address advertised;  ///< what messages say in place of mapping.outside.address
    std::uint32_t holders = 0;
    Time idle_until{0}, linger_until{0}, kernel_until{0};
    Time flow_seen{0};       ///< last time conntrack had a flow of it with packets
    bool adopted = false;    ///< conntrack mapped it so before we did: its flows are as they should be (C12)
    bool presumed = false;   ///< `rewritten` is a guess: the phone itself has shown nothing yet
    bool joined = false;     ///< its public port belongs behind that of the inside port before it
    bool listener = false;   ///< a Diversion element goes with it
    bool reachable = false;  ///< a Reachable element goes with it
    bool rewritten = false;  ///< the phone is shown inside values for it (S2, S4)
    /// How the phone writes its port in a Via and in a URI.
    rewrite::PortForm via_form = rewrite::PortForm::given, uri_form = rewrite::PortForm::given;

    Endpoint public_endpoint() const { return {advertised, mapping.outside.port}; }
    MappingKey key() const { return {{mapping.transport, mapping.inside}, mapping.outside.address}; }
};

inline Reachable reachable_of(const MappingEntry& entry) {
    return {entry.mapping.transport, entry.mapping.outside};
}

/// What a new mapping's public port should be like.
struct PortWish {
    std::uint16_t preferred = 0;  ///< taken if free; 0: the inside port
    unsigned run = 1;             ///< so many ports from it on must be free (RTP and its RTCP: 2)
    bool exact = false;           ///< nothing but `preferred` will do
};

struct PinholeEntry {
    std::uint32_t holders = 0;
    Time kernel_until{0};
};

class Mappings {
  public:
    explicit Mappings(const Policy& policy);

    const MappingEntry* find(const MappingKey& key) const { return mappings_.find(key); }
    /// By what messages say: advertised address and port.
    const MappingEntry* find_public(const Socket& socket) const;
    /// By what packets have outside.
    const MappingEntry* find_outside(const Socket& socket) const;
    /// The same by what they said before the router's address changed.
    const MappingEntry* find_former(const Socket& socket) const;
    /// By either: what a message from outside may name.
    const MappingEntry* find_named(const Socket& socket) const {
        const MappingEntry* entry = find_public(socket);
        return entry ? entry : find_former(socket);
    }
    const OldEndpoints& former() const { return former_; }
    const PinholeEntry* find(const Pinhole& pinhole) const { return pinholes_.find(pinhole); }
    const auto& all() const { return mappings_; }
    std::size_t pinhole_count() const { return pinholes_.size(); }

    const Treatments& treatments() const { return policy_.treatments; }

    /// The mapping of `inside`, made if there is none; nothing reaches the kernel before hold() or touch().
    /// nullptr: forbidden (X2), no port left, or the ceiling is reached.
    const MappingEntry* map(const Socket& inside, const Egress& egress, const PortWish& wish, Time now);
    /// The mapping's public port is part of a run: it stays behind that of the inside port before it.
    void join(const MappingKey& key) { mappings_.edit(key)->joined = true; }
    /// Signalling went through it: keeps it for idle_time, as a Diversion if `listener`. True: the kernel
    /// learns of it.
    bool touch(const MappingKey& key, bool listener, Time now, std::vector<Change>& changes);

    /// The phone is to be shown inside values for it, though it has shown nothing yet.
    void presume(const MappingKey& key);

    /// One more holder, until `until`.
    void hold(const MappingKey& key, Time until, Time now, std::vector<Change>& changes);
    /// True: the pinhole is new in the kernel.
    bool hold(const Pinhole& pinhole, Time until, Time now, std::vector<Change>& changes);
    /// A holder goes on until `until`: the kernel's timeout is renewed when it ends before.
    void extend(const MappingKey& key, Time until, Time now, std::vector<Change>& changes);
    void extend(const Pinhole& pinhole, Time until, Time now, std::vector<Change>& changes);
    /// One holder less. True: the pinhole has left the kernel.
    void release(const MappingKey& key, Time now, std::vector<Change>& changes);
    bool release(const Pinhole& pinhole, std::vector<Change>& changes);

    /// Makes the mapping that conntrack has for a phone's signalling endpoint ours, before the phone has said
    /// anything (C12). True: it is new.
    bool adopt(const Socket& inside, const Egress& egress, bool listener, Time now,
               std::vector<Change>& changes);

    /// How the phone is shown a mapping of this table, learned from what it writes.
    void learn(const MappingEntry& known, bool via, rewrite::PortForm form);
    /// The phone had a mapping of this table written into a message for it.
    void mark_rewritten(const MappingEntry& known);
    /// The phone writes the public endpoint itself.
    void mark_own(const MappingKey& key);
    /// Of a sweep; not staged.
    void flow_seen(const MappingKey& key, Time at);

    /// Messages may name the mapping by `shown`, a former endpoint of it, until `until` (C11).
    void name_formerly(const Socket& shown, const MappingKey& key, Time until) {
        if (find_public(shown) != find(key)) former_.add(shown, key, until);
    }
    /// Moves everything to where the router's addresses are now, with its holders and timeouts: to the same
    /// public port if that is free there, else to another, runs as runs. What finds none is forgotten, its
    /// holders' hold with it (C11).
    void renumber(Renumbering& renumbering, Time now, std::vector<Change>& changes);

    /// Forgets mappings whose time is up and frees their ports.
    void expire(Time now, std::vector<Change>& changes);
    std::optional<Time> next_deadline() const;
    /// For tests: how many mappings have a deadline.
    std::size_t deadlines() const { return deadlines_.size(); }

    /// What the owner's NAT does beside us; sweeps tell it.
    ExistingNat& existing_nat() { return existing_nat_; }
    const ExistingNat& existing_nat() const { return existing_nat_; }

    void set_occupied(std::vector<Socket> sockets);
    /// What messages say for an address of the router (Egress).
    using Advertised = std::function<Address(const Address&)>;
    /// Enters the mappings, their diversions and the pinholes that an earlier daemon left in the kernel (A5). Restore the calls and
    /// bindings that use them next, then call end_restore().
    void restore(std::span<const StoredElement> elements, const Advertised& advertised, Time now);
    /// Removes the Reachable elements that no mapping has and the pinholes that no restored call or binding
    /// uses. Mappings that one uses live as long as it does.
    void end_restore(std::span<const StoredElement> elements, std::vector<Change>& changes);

    /// What left the kernel since the last call: what a sweep of conntrack has to look for.
    struct Closed {
        std::vector<Mapping> mappings;
        std::vector<Pinhole> pinholes;
    };
    Closed take_closed();
    /// Something entered or left the kernel since the last take_closed().
    bool touched() const { return touched_; }

    /// Additions for all that the kernel should hold.
    void list(Time now, std::vector<Change>& changes) const;

    void commit();
    void cancel();

  private:
    const MappingEntry& enter(const Mapping& mapping, const Egress& egress, bool adopted, Time now);
    bool is_lingering(const MappingKey& key, Time now) const;
    /// Enters the entry's public port, and takes it out.
    void occupy(const MappingEntry& entry);
    void vacate(const MappingEntry& entry);
    void know_address(const Address& outside);
    /// Until when other mappings of the same inside endpoint, at other addresses, need its Diversion; 0: none
    /// does.
    Time others_listen_until(const MappingEntry& entry) const;
    bool has_room(const Address& phone, Time now);
    /// The port that became free by it.
    std::optional<std::uint16_t> forget_oldest_lingering(Time now);
    void forget(const MappingEntry& entry);
    bool is_free(const Socket& public_socket, const Address& outside) const;
    /// Another host's flows use that public port, or might: `preferred` is the port that `inside` asked for.
    bool is_others(const Socket& inside, const Address& outside, std::uint16_t port,
                   std::uint16_t preferred) const;
    /// `choose` may take another port once a lingering one has been freed (X7).
    std::optional<std::uint16_t> choose_port(std::uint16_t wanted, unsigned run, Time now,
                                             const std::function<bool(std::uint16_t)>& free);
    void ensure(MappingEntry& entry, Time until, Time now, std::vector<Change>& changes);
    void add_listener(const MappingEntry& entry, Change::Op op, Time now, std::vector<Change>& changes) const;
    void remove(const MappingEntry& entry, Time now, std::vector<Change>& changes);
    void restore(const Mapping& mapping, const Address& advertised, Time until);
    void restore(const Diversion& diversion, Time until);
    /// False: there is no such mapping.
    bool restore(const Reachable& reachable);
    void schedule(const MappingEntry& entry, Time now);
    class Mover;

    const Policy& policy_;
    Ports ports_;
    StagedMap<MappingKey, MappingEntry, MappingKeyHash> mappings_;
    /// By what messages say; where packets say otherwise, by that as well, so that no port is used twice.
    StagedMap<Socket, MappingKey> public_;
    std::vector<Address> addresses_;  ///< outside ones that mappings have or had; few
    StagedMap<Pinhole, PinholeEntry, MappingKeyHash> pinholes_;
    OldEndpoints former_;
    DeadlineQueue<MappingKey, MappingKeyHash> deadlines_;
    std::unordered_set<Socket> occupied_;
    Quota per_phone_;
    ExistingNat existing_nat_;
    std::deque<MappingKey> lingering_;  ///< oldest first; some are forgotten or in use again
    Closed closed_;
    bool touched_ = false;
};

}  // namespace sipalg::nat
