// Registrations: a pending REGISTER, and the bindings that its 2xx makes, renews or ends (RFC 3261 10; C8,
// X3).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "alg/base/deadline_queue.hpp"
#include "alg/base/quota.hpp"
#include "alg/base/staged_map.hpp"
#include "alg/dialog/call_key.hpp"
#include "alg/dialog/received_message.hpp"
#include "alg/kernel/effects.hpp"
#include "alg/kernel/record.hpp"
#include "alg/kernel/record_ids.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/nat/proven_pairs.hpp"
#include "alg/registration/binding.hpp"
#include "alg/registration/register_message.hpp"

namespace sipalg::registration {

/// A REGISTER that has no final response yet. Its key is the Call-ID and the phone; `leg` tells the
/// registrations apart for which a phone uses one Call-ID: at several servers, or of several lines.
struct Pending {
    std::string from_tag, branch, aor;
    std::uint32_t cseq = 0;
    Address registrar;
    Egress egress;
    bool all = false;  ///< Contact: * (with Expires: 0)
    struct Contact {
        Socket inside;
        std::string user;
        std::int64_t expires = 0;  ///< requested, seconds
    };
    std::vector<Contact> contacts;
    bool unmodified = false;  ///< see Binding
    bool outdated = false;    ///< names an earlier address of the router, so it makes no binding
    Time until{0};
};

/// The bindings and the pending REGISTERs. Changes are staged (law 4): commit() keeps them, cancel() takes
/// them back.
class Registrations {
  public:
    Registrations(const Policy& policy, nat::Mappings& mappings, nat::ProvenPairs& proofs,
                  RecordIds& record_ids, const Hosts& hosts)
        : policy_(policy),
          mappings_(mappings),
          proofs_(proofs),
          record_ids_(record_ids),
          per_phone_(hosts),
          pending_per_phone_(hosts) {}

    /// Handles a REGISTER from the phone. `own` finds the phone's sockets among the Contacts. Sets
    /// effects.limit if a table is full or an identifier too long (X7).
    void request(const ReceivedMessage& received, const OwnContact& own, Effects& effects);
    /// Handles a response to a REGISTER, from outside. `own` finds the phone's sockets among the listed
    /// Contacts.
    void response(const ReceivedMessage& received, const OwnContact& own, Effects& effects);

    /// X11: the registrar has answered the phone for the first time; its bindings let it in from now on.
    void prove(const nat::PhonePeer& pair, Time now, Effects& effects);

    /// C11: moves the bindings with their mappings to the router's new addresses, and keeps the public ports
    /// for the next REGISTERs. Call after nat::Mappings::renumber().
    void renumber(nat::Renumbering& renumbering, Time now, Effects& effects);

    void expire(Time now, Effects& effects);
    std::optional<Time> next_deadline() const;
    /// For tests: the number of deadlines of bindings and of pending requests.
    std::size_t deadlines() const { return deadlines_.size() + pending_deadlines_.size(); }
    std::size_t pending() const { return pending_.size(); }
    /// Those of the host with the most.
    std::size_t largest_share() const { return per_phone_.largest(); }
    std::size_t largest_pending_share() const { return pending_per_phone_.largest(); }
    /// Restores a binding of an earlier daemon from its record (A5). False: not the record of a binding, or
    /// the binding has ended.
    [[nodiscard]] bool restore(const StoredRecord& record, Time now, Effects& effects);

    /// Additions for the records of all bindings.
    void list_records(Time now, std::vector<Change>& changes) const;

    const auto& all() const { return bindings_; }
    bool is_registered(const Address& phone, const Address& registrar) const;
    bool has_bindings(const Address& phone) const { return of_phone_.contains(phone); }
    /// The pending REGISTER of the response, by Call-ID, CSeq, From tag, branch and registrar (X3); nullptr:
    /// there is none.
    const Pending* answered(const sip::Message& response, const Address& phone, const Address& registrar,
                            Time now) const;
    void commit();
    void cancel();
    /// See State::shrink().
    void shrink() {
        pending_.shrink();
        bindings_.shrink();
        of_phone_.shrink();
        deadlines_.shrink();
        pending_deadlines_.shrink();
    }

  private:
    /// `others`: further addresses that may send requests to the phone.
    void bind(const BindingKey& key, const Pending& pending, std::int64_t seconds,
              const std::vector<Address>& others, bool proven, Time now, Effects& effects);
    void acquire(const BindingKey& key, const Binding& binding, Time until, Time now, Effects& effects);
    void release(const BindingKey& key, const Binding& binding, Time now, Effects& effects);
    /// Ends the phone's bindings for which `which` is true.
    void unbind_those(const Address& phone,
                      const std::function<bool(const BindingKey&, const Binding&)>& which, const char* why,
                      Time now, Effects& effects);
    /// Add a binding to bindings_ or remove it, with its deadline and its entry in of_phone_.
    void enter(const BindingKey& key, Binding binding);
    void remove(const BindingKey& key);
    /// The bindings of a phone, a few; nullptr: none.
    const std::vector<BindingKey>* bindings_of(const Address& phone) const { return of_phone_.find(phone); }
    bool has_room(const Address& phone) const;
    bool has_room_for_pending(const Address& phone) const;
    /// The key of the pending REGISTER that this one repeats, else a new one; nullopt: too many (X7).
    std::optional<CallKey> pending_key(const ReceivedMessage& received, std::string_view aor) const;
    /// The key of the pending REGISTER that answered() returns.
    std::optional<CallKey> answered_key(const sip::Message& response, const Address& phone,
                                        const Address& registrar, Time now) const;
    void forget(const CallKey& pending);
    void store(const BindingKey& key, Binding& binding, bool renew, Time now, Effects& effects);
    void note_old_endpoints(const BindingKey& key, const Binding& binding);
    void unbind(const BindingKey& key, const char* why, Time now, Effects& effects);

    const Policy& policy_;
    nat::Mappings& mappings_;
    nat::ProvenPairs& proofs_;
    RecordIds& record_ids_;
    StagedMap<CallKey, Pending, CallKeyHash, CallKeyEqual> pending_;
    StagedMap<BindingKey, Binding, BindingKeyHash> bindings_;
    StagedMap<Address, std::vector<BindingKey>> of_phone_;  ///< at most max_bindings_per_phone each
    Quota per_phone_, pending_per_phone_;
    DeadlineQueue<BindingKey, BindingKeyHash> deadlines_;
    DeadlineQueue<CallKey, CallKeyHash, CallKeyEqual> pending_deadlines_;
};

}  // namespace sipalg::registration
