// Phones that send UDP from one port and listen at another: many Cisco and Linksys models do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "alg/base/deadline_queue.hpp"
#include "alg/base/quota.hpp"
#include "alg/base/staged_map.hpp"
#include "alg/base/time.hpp"
#include "alg/kernel/element.hpp"
#include "alg/kernel/record.hpp"
#include "alg/kernel/record_ids.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/limits.hpp"

namespace sipalg::nat {

/// The ports at which a phone receives messages that were sent to a port from which it only sends.
struct Listener {
    std::uint16_t responses = 0;  ///< the one that its Via names
    std::uint16_t requests = 0;   ///< the one that its Contact names
    friend bool operator==(const Listener&, const Listener&) = default;
};

/// The listeners by the inside endpoint that their phone sends from. Bounded (X7): at the limit the oldest
/// listener of the phone is removed, or if the phone has none, no listener is added. A listener is forgotten
/// when no message has used it for `idle` and its phone is not registered. Changes are staged (law 4), and
/// records keep the listeners over a restart (A5).
class Listeners {
  public:
    static constexpr Time idle{3'600'000};

    explicit Listeners(const Limits& limits) : limits_(limits) {}

    /// nullptr: the phone listens where it sends from.
    const Listener* find(const Endpoint& source) const {
        if (empty()) return nullptr;
        const Entry* entry = entries_.find(source);
        return entry ? &entry->listener : nullptr;
    }
    bool empty() const { return entries_.size() == 0; }

    /// Adds a listener, or changes or renews the existing one. False: there is no room.
    [[nodiscard]] bool note(const Endpoint& source, const Listener& listener, RecordIds& ids, Time now,
                            std::vector<Change>& changes);
    /// Notes that a message was sent to `source`.
    void refresh(const Endpoint& source, Time now, std::vector<Change>& changes);
    void forget(const Endpoint& source, std::vector<Change>& changes);

    /// `is_registered` tells whether a phone has a binding.
    void expire(Time now, const std::function<bool(const Address&)>& is_registered,
                std::vector<Change>& changes);
    std::optional<Time> next_deadline() const { return deadlines_.next(); }
    /// Restores a listener from the record of an earlier daemon (A5). False: not the record of a listener.
    [[nodiscard]] bool restore(const StoredRecord& record, Time now);
    /// Additions for the records of all listeners.
    void list_records(Time now, std::vector<Change>& changes) const;

    std::size_t size() const { return entries_.size(); }
    std::size_t largest_share() const { return per_phone_.largest(); }
    /// For tests: how many deadlines there are, and which records.
    std::size_t deadlines() const { return deadlines_.size(); }
    void each_record(const std::function<void(std::uint32_t id, const std::string& bytes)>& visit) const {
        for (const auto& [source, entry] : entries_)
            visit(entry.record_id, write_record(source, entry.listener));
    }

    void commit();
    void cancel();

  private:
    struct Entry {
        Listener listener;
        std::uint32_t record_id = 0;
        Time until{0}, kernel_until{0};
    };

    static std::string write_record(const Endpoint& source, const Listener& listener);
    [[nodiscard]] bool make_room(const Address& phone, std::vector<Change>& changes);
    void use(const Endpoint& source, Entry& entry, Time now, std::vector<Change>& changes);

    const Limits& limits_;
    StagedMap<Endpoint, Entry> entries_;
    Quota per_phone_;
    DeadlineQueue<Endpoint> deadlines_;
};

}  // namespace sipalg::nat
