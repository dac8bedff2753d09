// Everything that stands at an address of the router moves to another: what the kernel holds first, then the
// calls and bindings that hold it.
#include "alg/nat/renumber.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "alg/kernel/change.hpp"
#include "alg/nat/mappings.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::nat {

// Theory of operation. Who can keep his port goes first, so that nobody who must take another takes it from
// him. Ports of a run (RTP and its RTCP) stay together: all keep theirs or none does. Removals go to the
// kernel before additions, because both may name the same inside endpoint.
class Mappings::Mover {
  public:
    Mover(Mappings& mappings, Renumbering& renumbering, Time now, std::vector<Change>& changes)
        : all_(mappings), renumbering_(renumbering), now_(now), changes_(changes) {}

    void run() {
        take_out();
        std::vector<Run> crowded;
        for (const Run& run : runs())
            if (!keep_ports(run)) crowded.push_back(run);
        for (const Run& run : crowded)
            take_other_ports(run);
        move_pinholes();
        changes_.insert(changes_.end(), additions_.begin(), additions_.end());
    }

  private:
    struct Run {
        std::size_t first = 0, count = 0;  ///< in leaving_
    };

    void take_out() {
        for (const auto& [key, entry] : all_.mappings_)
            if (renumbering_.target({key.outside, entry.advertised})) leaving_.push_back(entry);
        // The order of a hash table is nobody's business. Neighbours come together.
        std::sort(leaving_.begin(), leaving_.end(), [](const MappingEntry& a, const MappingEntry& b) {
            return std::tie(a.mapping.outside.address, a.mapping.transport, a.mapping.inside) <
                   std::tie(b.mapping.outside.address, b.mapping.transport, b.mapping.inside);
        });
        for (const MappingEntry& entry : leaving_) {
            all_.vacate(entry);
            all_.mappings_.erase(entry.key());
            all_.deadlines_.erase(entry.key());
            renumbering_.note_port(entry.key(), entry.mapping.outside.port);
        }
    }

    std::vector<Run> runs() const {
        std::vector<Run> found;
        for (std::size_t i = 0; i < leaving_.size(); ++i) {
            const MappingEntry& entry = leaving_[i];
            const bool goes_on = i > 0 && entry.joined && is_behind(leaving_[i - 1].mapping, entry.mapping);
            if (goes_on)
                ++found.back().count;
            else
                found.push_back({i, 1});
        }
        return found;
    }

    static bool is_behind(const Mapping& before, const Mapping& after) {
        return before.transport == after.transport && before.inside.address == after.inside.address &&
               before.outside.address == after.outside.address &&
               before.inside.port + 1 == after.inside.port && before.outside.port + 1 == after.outside.port;
    }

    const Egress& target(const MappingEntry& entry) const {
        return *renumbering_.target({entry.mapping.outside.address, entry.advertised});
    }

    bool is_free(const MappingEntry& entry, std::uint16_t port) const {
        const Egress& to = target(entry);
        const Socket inside{entry.mapping.transport, entry.mapping.inside};
        return all_.is_free({inside.transport, {to.advertised, port}}, to.address) &&
               !all_.is_others(inside, to.address, port, entry.mapping.outside.port);
    }

    bool is_lingering(const MappingEntry& entry) const {
        return entry.holders == 0 && entry.idle_until <= now_ && entry.kernel_until <= now_;
    }

    bool keep_ports(const Run& run) {
        for (std::size_t i = run.first; i < run.first + run.count; ++i)
            if (!exists(leaving_[i]) && !is_free(leaving_[i], leaving_[i].mapping.outside.port)) return false;
        for (std::size_t i = run.first; i < run.first + run.count; ++i)
            place(leaving_[i], leaving_[i].mapping.outside.port);
        return true;
    }

    void take_other_ports(const Run& run) {
        MappingEntry& head = leaving_[run.first];
        // A port that is only kept for late retransmissions is not worth another.
        std::optional<std::uint16_t> port;
        if (!is_lingering(head))
            port = all_.choose_port(head.mapping.outside.port, static_cast<unsigned>(run.count), now_,
                                    [&](std::uint16_t wanted) { return is_free(head, wanted); });
        for (std::size_t i = 0; i < run.count; ++i) {
            MappingEntry& entry = leaving_[run.first + i];
            if (exists(entry) || port)
                place(entry, static_cast<std::uint16_t>(port.value_or(0) + i));
            else
                lose(entry);
        }
    }

    // The phone's endpoint already has a mapping there: it has sent something on that way.
    bool exists(const MappingEntry& entry) const {
        MappingKey key = entry.key();
        key.outside = target(entry).address;
        return all_.mappings_.contains(key);
    }

    void place(const MappingEntry& former, std::uint16_t port) {
        const Egress& to = target(former);
        Renumbering::Counts& counts = renumbering_.counts(former.mapping.outside.address);
        MappingEntry entry = former;
        entry.mapping.outside = {to.address, port};
        entry.advertised = to.advertised;
        const bool was_there = former.kernel_until > now_;
        if (was_there) ++counts.mappings;
        if (entry.mapping != former.mapping) entry.adopted = false;
        if (exists(former)) {
            entry = join_existing(former, *all_.mappings_.edit(entry.key()));
        } else {
            if (port != former.mapping.outside.port && was_there) ++counts.other_ports;
            if (entry.mapping != former.mapping && was_there) {
                leave_kernel(former);
                additions_.push_back(change(Change::Op::add, entry.mapping, entry.kernel_until, now_));
                // Along with it, so that both go on ending at the same time.
                if (entry.listener) all_.add_listener(entry, Change::Op::renew, now_, additions_);
                if (entry.reachable)
                    additions_.push_back(
                        change(Change::Op::add, reachable_of(entry), entry.kernel_until, now_));
            }
            all_.occupy(entry);
            all_.mappings_.put(entry.key(), entry);
            if (is_lingering(entry)) all_.lingering_.push_back(entry.key());
            all_.schedule(entry, now_);
        }
        all_.name_formerly({former.mapping.transport, former.public_endpoint()}, entry.key(),
                           now_ + transaction_time);
        outsides_.emplace(Socket{former.mapping.transport, former.mapping.outside}, entry.mapping.outside);
    }

    MappingEntry join_existing(const MappingEntry& former, MappingEntry& there) {
        if (former.kernel_until > now_) leave_kernel(former);
        there.holders += former.holders;
        there.idle_until = std::max(there.idle_until, former.idle_until);
        there.linger_until = std::max(there.linger_until, former.linger_until);
        there.listener = there.listener || former.listener;
        there.reachable = there.reachable || former.reachable;
        there.rewritten = there.rewritten || former.rewritten;
        all_.per_phone_.fewer(former.mapping.inside.address);
        // Also where it need last no longer: the former one's entry in the kernel stood for the same inside
        // end.
        there.kernel_until = std::max(there.kernel_until, former.kernel_until);
        if (there.kernel_until > now_) {
            additions_.push_back(change(Change::Op::renew, there.mapping, there.kernel_until, now_));
            if (there.listener) all_.add_listener(there, Change::Op::renew, now_, additions_);
            if (there.reachable)
                additions_.push_back(
                    change(Change::Op::renew, reachable_of(there), there.kernel_until, now_));
        }
        all_.schedule(there, now_);
        return there;
    }

    void lose(const MappingEntry& former) {
        outsides_.emplace(Socket{former.mapping.transport, former.mapping.outside}, std::nullopt);
        all_.per_phone_.fewer(former.mapping.inside.address);
        if (former.kernel_until <= now_) return;
        ++renumbering_.counts(former.mapping.outside.address).lost;
        leave_kernel(former);
        if (former.listener && all_.others_listen_until(former) <= now_)
            changes_.push_back(removal(Diversion{former.mapping.transport, former.mapping.inside}));
    }

    void leave_kernel(const MappingEntry& former) {
        changes_.push_back(removal(former.mapping));
        if (former.reachable) changes_.push_back(removal(reachable_of(former)));
        all_.closed_.mappings.push_back(former.mapping);
        all_.touched_ = true;
    }

    void move_pinholes() {
        std::vector<std::pair<Pinhole, PinholeEntry>> leaving;
        for (const auto& [pinhole, entry] : all_.pinholes_) {
            const auto there = outsides_.find({pinhole.transport, pinhole.outside});
            if (there != outsides_.end() && there->second != pinhole.outside)
                leaving.emplace_back(pinhole, entry);
        }
        std::sort(leaving.begin(), leaving.end(),
                  [](const auto& a, const auto& b) { return a.first < b.first; });
        for (const auto& [pinhole, entry] : leaving) {
            changes_.push_back(removal(pinhole));
            all_.pinholes_.erase(pinhole);
        }
        for (const auto& [former, entry] : leaving) {
            const auto there = outsides_.find({former.transport, former.outside});
            if (!there->second) continue;
            Pinhole pinhole = former;
            pinhole.outside = *there->second;
            ++renumbering_.counts(former.outside.address).pinholes;
            PinholeEntry& now_there = all_.pinholes_.contains(pinhole) ? *all_.pinholes_.edit(pinhole)
                                                                       : all_.pinholes_.put(pinhole, {});
            now_there.holders += entry.holders;
            now_there.kernel_until = std::max(now_there.kernel_until, entry.kernel_until);
            if (now_there.kernel_until > now_)
                additions_.push_back(change(Change::Op::renew, pinhole, now_there.kernel_until, now_));
        }
    }

    Mappings& all_;
    Renumbering& renumbering_;
    const Time now_;
    std::vector<Change>& changes_;
    std::vector<Change> additions_;
    std::vector<MappingEntry> leaving_;
    std::unordered_map<Socket, std::optional<Endpoint>> outsides_;  ///< of mappings: former to new, if any
};

void Mappings::renumber(Renumbering& renumbering, Time now, std::vector<Change>& changes) {
    addresses_.clear();  // or those of years would gather
    for (const auto& [key, entry] : mappings_)
        know_address(key.outside);
    for (const AddressChange& move : renumbering.moves())
        know_address(move.to.address);
    former_.renumber(renumbering);
    Mover(*this, renumbering, now, changes).run();
}

}  // namespace sipalg::nat
