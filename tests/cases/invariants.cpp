#include "tests/cases/invariants.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "alg/core/state.hpp"
#include "alg/kernel/record.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::test {

namespace {

using nat::MappingKey;

// The kernel counts whole seconds, rounded up: an element may outlive its time by that much.
constexpr Time rounding{1000};
// Many deadlines at once expire in steps, and a refused transaction is repeated after a second.
constexpr Time patience{2000};

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error("invariant: " + what);
}

std::string text(const Mapping& m) {
    return "mapping " + m.inside.text() + " = " + m.outside.text();
}

std::string text(const Pinhole& p) {
    return "pinhole " + p.outside.text() + " from " + p.remote.text();
}

class Check {
  public:
    Check(State& state, const TableKernel& kernel, Time now) : state_(state), kernel_(kernel), now_(now) {}

    void run() {
        count_users();
        count_streams();
        mappings();
        elements();
        deadlines();
        proofs();
        for (const auto& [key, call] : state_.calls.all()) {
            if (call.record_in_notes)
                record_in_notes(call);
            else if (!call.record.empty() || !call.is_unsolicited())  // X3
                record(call.record_id, call.record);
            notes_.erase(call.record_id);
        }
        if (state_.calls.closed().next_deadline().value_or(now_) + patience < now_)
            fail("a closed call is not forgotten");
        for (const auto& [key, binding] : state_.registrations.all()) {
            if (binding.until > now_) record(binding.record_id, binding.record);
            if (binding.until + patience < now_) fail("binding of " + key.aor + " outlives its time");
        }
        for (const auto& [key, flow] : state_.connections.all())
            if (flow.record.is_stored()) record(flow.record.id(), flow.record.stored());
        state_.mappings.listeners().each_record(
            [&](std::uint32_t id, const std::string& bytes) { record(id, bytes); });
        if (!notes_.empty())
            fail("the kernel has a note of record " + std::to_string(*notes_.begin()) + ", which has ended");
        if (!records_.empty())
            fail("record " + std::to_string(records_.begin()->first) +
                 " belongs to no call, binding, connection or listener");
    }

  private:
    // X7: each record has one deadline, however often it was moved. A mapping that a call or binding uses has
    // none.
    void deadlines() const {
        std::size_t unused = 0;
        for (const auto& [key, entry] : state_.mappings.all())
            unused += entry.users == 0 ? 1 : 0;
        if (state_.mappings.deadlines() != unused) fail("deadlines of mappings");
        if (state_.calls.deadlines() != state_.calls.all().size()) fail("deadlines of calls");
        if (state_.registrations.deadlines() !=
            state_.registrations.all().size() + state_.registrations.pending())
            fail("deadlines of registrations");
        if (state_.connections.deadlines() != state_.connections.all().size())
            fail("deadlines of connections");
        if (state_.nat_handling.deadlines() != state_.nat_handling.size())
            fail("deadlines of pairs that handle NAT");
        if (state_.mappings.listeners().deadlines() != state_.mappings.listeners().size())
            fail("deadlines of listeners");
    }
    bool in_kernel(const Element& element, Time until) const {
        const auto it = kernel_.elements().find(element);
        return it != kernel_.elements().end() && it->second >= until;
    }

    void count_users() {
        for (const auto& [key, call] : state_.calls.all()) {
            for (const nat::MappingKey& mapping : call.mappings)
                ++mapping_users_[mapping];
            for (const call::CallPinhole& pin : call.pinholes)
                ++pinhole_users_[pin.pinhole];
            note_proofs(key, call);
        }
        if (unproven_ != state_.calls.unproven())
            fail(std::to_string(state_.calls.unproven()) + " calls count as unproven, not " +
                 std::to_string(unproven_));
        for (const auto& [key, binding] : state_.registrations.all()) {
            ++mapping_users_[nat::MappingKey{key.inside, binding.egress.address}];
            registered_.insert(nat::MappingKey{key.inside, binding.egress.address});
            for (const Pinhole& pinhole : registration::pinholes(key, binding)) {
                ++pinhole_users_[pinhole];
                registered_pinholes_.insert(pinhole);
            }
        }
    }

    // X11: nothing is open for a peer that has not answered.
    void note_proofs(const CallKey& key, const call::Call& call) {
        unproven_ += call.is_unproven() ? 1 : 0;
        if (call.is_unproven() && (!call.pinholes.empty() || !call.latches.empty()))
            fail("call " + std::string(key.call_id) + " is not proven, and open");
        for (const call::CallPeer& peer : call.peers) {
            if (peer.answered) ++holders_[{key.phone, peer.address}];
            if (peer.answered && !peer.admitted)
                fail("call " + std::string(key.call_id) + " forgets its proof");
            for (const call::CallPinhole& pin : call.pinholes)
                if (pin.signalling && pin.pinhole.remote == peer.address && !peer.admitted)
                    fail("call " + std::string(key.call_id) + " is open for " + peer.address.text());
        }
    }

    void proofs() {
        for (const auto& [key, binding] : state_.registrations.all())
            if (binding.proven) ++holders_[{key.inside.endpoint.address, key.registrar}];
        for (const auto& [pair, number] : holders_)
            if (state_.proofs.holders(pair) != number)
                fail(pair.phone.text() + " and " + pair.peer.text() + " count their proofs wrongly");
        if (state_.proofs.size() != state_.proofs.unheld() + holders_.size()) fail("proofs without a holder");
    }

    void count_streams() {
        for (const auto& [key, flow] : state_.connections.all()) {
            if (!flow.mapping_refreshed) continue;
            const nat::MappingKey mapping{{Transport::tcp, key.phone}, flow.egress.address};
            ++mapping_users_[mapping];
            connected_.insert(mapping);
        }
    }

    // The kernel timeout of a binding is not renewed for its grace period alone.
    static Time allowance(bool registered) { return registered ? patience + registration_grace : patience; }

    void mappings() {
        std::size_t used = 0;
        for (const auto& [key, entry] : state_.mappings.all()) {
            const auto users = mapping_users_.find(key);
            const std::uint32_t expected = users == mapping_users_.end() ? 0 : users->second;
            if (entry.users != expected)
                fail(text(entry.mapping) + " counts " + std::to_string(entry.users) + " users, not " +
                     std::to_string(expected));
            if (expected > 0) ++used;
            // A silent connection keeps its port only until another mapping needs it.
            if (expected > 0 && !connected_.contains(key) &&
                entry.kernel_until + allowance(registered_.contains(key)) <= now_)
                fail(text(entry.mapping) + " is in use but has lapsed");
            if (expected == 0 && entry.idle_until > now_ + patience && entry.kernel_until <= now_)
                fail(text(entry.mapping) + " is kept for signalling but has lapsed");
            if (entry.kernel_until > now_ && !entry.mapping.is_identity() &&
                !in_kernel(entry.mapping, entry.kernel_until))
                fail(text(entry.mapping) + " is not in the kernel");
            if (expected == 0 && std::max(entry.idle_until, entry.linger_until) + patience < now_)
                fail(text(entry.mapping) + " is not forgotten");
            if (state_.mappings.find_public({entry.mapping.transport, entry.public_endpoint()}) != &entry)
                fail(text(entry.mapping) + " is not found by its public endpoint");
            if (entry.diverted && entry.kernel_until > now_ &&
                !in_kernel(Diversion{entry.mapping.transport, entry.mapping.inside}, entry.kernel_until))
                fail(text(entry.mapping) + " has lost its Diversion");
            if (entry.reachable && entry.kernel_until > now_ &&
                !in_kernel(Reachable{entry.mapping.transport, entry.mapping.outside}, entry.kernel_until))
                fail(text(entry.mapping) + " is no longer reachable");
        }
        if (used != mapping_users_.size()) fail("a call or binding uses a mapping that does not exist");
        if (pinhole_users_.size() != state_.mappings.pinholes().size())
            fail(std::to_string(state_.mappings.pinholes().size()) + " pinholes, in use are " +
                 std::to_string(pinhole_users_.size()));
        for (const auto& [pinhole, users] : pinhole_users_) {
            const nat::PinholeEntry* entry = state_.mappings.pinholes().find(pinhole);
            if (!entry || entry->users != users) fail(text(pinhole) + " counts its users wrongly");
            if (entry->kernel_until + allowance(registered_pinholes_.contains(pinhole)) <= now_)
                fail(text(pinhole) + " is in use but has lapsed");
            if (entry->kernel_until > now_ && !in_kernel(pinhole, entry->kernel_until))
                fail(text(pinhole) + " is not in the kernel");
            if (!state_.mappings.find_public({pinhole.transport, advertised(pinhole.outside)}))
                fail(text(pinhole) + " has no mapping");
        }
    }

    Endpoint advertised(const Endpoint& outside) const {
        for (const auto& [key, entry] : state_.mappings.all())
            if (entry.mapping.outside == outside) return entry.public_endpoint();
        return outside;
    }

    void elements() {
        for (const auto& [element, until] : kernel_.elements()) {
            if (until > now_ + std::chrono::hours(24 * 8)) fail("an element without a timeout (X8)");
            const bool over = until < now_ + rounding;  // restored; ends by its kernel timeout
            if (const auto* pinhole = std::get_if<Pinhole>(&element)) {
                if (!over && !state_.mappings.pinholes().find(*pinhole))
                    fail(text(*pinhole) + " belongs to no call, binding or mapping");
            } else if (const auto* mapping = std::get_if<Mapping>(&element)) {
                if (const std::uint32_t id = id_in_note(kernel_.note(element)); id != 0 && !over)
                    notes_.insert(id);
                if (mapping->is_identity()) fail(text(*mapping) + " translates nothing");
                const nat::MappingEntry* entry = state_.mappings.find(
                    nat::MappingKey{{mapping->transport, mapping->inside}, mapping->outside.address});
                // A restored mapping ends with its diversion, because both timeouts are in whole seconds.
                if (!over &&
                    (!entry || entry->mapping != *mapping || entry->kernel_until + 2 * rounding < until))
                    fail(text(*mapping) + " belongs to no call, binding or mapping");
            } else if (const auto* reachable = std::get_if<Reachable>(&element)) {
                const nat::MappingEntry* entry =
                    state_.mappings.find_outside({reachable->transport, reachable->outside});
                if (!over && (!entry || !entry->reachable)) fail("a Reachable element belongs to no mapping");
            } else if (const auto* record = std::get_if<Record>(&element)) {
                if (record->bytes.empty() || record->bytes.size() > Record::max_bytes)
                    fail("record " + std::to_string(record->id) + " has a piece of " +
                         std::to_string(record->bytes.size()) + " bytes");
                records_[record->id][record->part] = record->bytes;
            }
        }
    }

    void record_in_notes(const call::Call& call) {
        const auto all = stored_records(kernel_.read(now_), now_);
        const auto found = std::find_if(all.begin(), all.end(), [&](const StoredRecord& stored) {
            return stored.id == call.record_id && stored.in_notes;
        });
        if (found == all.end() || RecordPieces(found->bytes) != call.record)
            fail("record " + std::to_string(call.record_id) + " differs from the one in notes");
    }

    void record(std::uint32_t id, const RecordPieces& pieces) {
        std::string stored;
        for (const auto& [part, piece] : records_[id])
            stored += piece;
        if (stored.empty() || RecordPieces(stored) != pieces)
            fail("record " + std::to_string(id) + " differs from the one in the kernel");
        records_.erase(id);
    }

    State& state_;
    const TableKernel& kernel_;
    const Time now_;
    std::map<nat::MappingKey, std::uint32_t> mapping_users_;
    std::size_t unproven_ = 0;
    std::map<nat::PhonePeer, std::uint32_t> holders_;
    std::map<Pinhole, std::uint32_t> pinhole_users_;
    std::set<nat::MappingKey> registered_, connected_;
    std::set<Pinhole> registered_pinholes_;
    std::map<std::uint32_t, std::map<std::uint32_t, std::string>> records_;
    std::set<std::uint32_t> notes_;  ///< ids of records of which notes have a piece
};

}  // namespace

void check_invariants(State& state, const TableKernel& kernel, Time now) {
    Check(state, kernel, now).run();
}

}  // namespace sipalg::test
