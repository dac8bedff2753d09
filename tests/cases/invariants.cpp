#include "tests/cases/invariants.hpp"

#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "alg/core/state.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::test {

namespace {

using nat::MappingEntry;
using nat::MappingKey;

// The kernel counts whole seconds, rounded up: an element may outlive its time by that much.
constexpr Time rounding{1000};
// Expiry works off a burst in steps, and what the kernel refused is tried again a second later.
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
    Check(State& state, const TableKernel& kernel, Time now) : impl_(state), kernel_(kernel), now_(now) {}

    void run() {
        count_holders();
        count_streams();
        mappings();
        elements();
        deadlines();
        for (const auto& [key, call] : impl_.calls.all()) {
            if (call.state != call::Call::State::closing)
                record(call.record_id, call.record);
            else if (call.closed_until + patience < now_)
                fail("closed call " + key.call_id + " is not forgotten");
        }
        for (const auto& [key, binding] : impl_.registrations.all()) {
            if (binding.until > now_) record(binding.record_id, binding.record);
            if (binding.until + patience < now_) fail("binding of " + key.aor + " outlives its time");
        }
        for (const auto& [key, flow] : impl_.connections.all())
            if (flow.record.is_stored()) record(flow.record.id(), flow.record.stored());
        if (!records_.empty()) fail("record " + std::to_string(records_.begin()->first) + " is nobody's");
    }

  private:
    // X7: one deadline a record, however often it was moved. A mapping that a call or binding uses has none.
    void deadlines() const {
        std::size_t unused = 0;
        for (const auto& [key, entry] : impl_.mappings.all())
            unused += entry.holders == 0 ? 1 : 0;
        if (impl_.mappings.deadlines() != unused) fail("deadlines of mappings");
        if (impl_.calls.deadlines() != impl_.calls.all().size()) fail("deadlines of calls");
        if (impl_.registrations.deadlines() !=
            impl_.registrations.all().size() + impl_.registrations.pending())
            fail("deadlines of registrations");
        if (impl_.connections.deadlines() != impl_.connections.all().size()) fail("deadlines of connections");
        if (impl_.nat_handling.deadlines() != impl_.nat_handling.size())
            fail("deadlines of pairs that handle NAT");
    }
    bool in_kernel(const Element& element, Time until) const {
        const auto it = kernel_.elements().find(element);
        return it != kernel_.elements().end() && it->second >= until;
    }

    void count_holders() {
        for (const auto& [key, call] : impl_.calls.all()) {
            for (const nat::MappingKey& mapping : call.mapped)
                ++mapping_holders_[mapping];
            for (const call::CallPinhole& pin : call.pins)
                ++pinhole_holders_[pin.pinhole];
            if (call.state == call::Call::State::closing && (!call.mapped.empty() || !call.pins.empty()))
                fail("closed call " + key.call_id + " holds something");
        }
        for (const auto& [key, binding] : impl_.registrations.all()) {
            ++mapping_holders_[nat::MappingKey{key.inside, binding.egress.address}];
            registered_.insert(nat::MappingKey{key.inside, binding.egress.address});
            for (const Pinhole& pinhole : registration::pinholes(key, binding)) {
                ++pinhole_holders_[pinhole];
                registered_pinholes_.insert(pinhole);
            }
        }
    }

    void count_streams() {
        for (const auto& [key, flow] : impl_.connections.all()) {
            if (!flow.mapping_refreshed) continue;
            const nat::MappingKey mapping{{Transport::tcp, key.phone}, flow.egress.address};
            ++mapping_holders_[mapping];
            connected_.insert(mapping);
        }
    }

    // What a registrar granted is held for some time longer; renewing for that alone is not worth it.
    static Time allowance(bool registered) { return registered ? patience + registration_grace : patience; }

    void mappings() {
        std::size_t held = 0;
        for (const auto& [key, entry] : impl_.mappings.all()) {
            const auto holders = mapping_holders_.find(key);
            const std::uint32_t expected = holders == mapping_holders_.end() ? 0 : holders->second;
            if (entry.holders != expected)
                fail(text(entry.mapping) + " counts " + std::to_string(entry.holders) + " holders, not " +
                     std::to_string(expected));
            if (expected > 0) ++held;
            // A silent connection keeps its port only as long as others leave it to it.
            if (expected > 0 && !connected_.contains(key) &&
                entry.kernel_until + allowance(registered_.contains(key)) <= now_)
                fail(text(entry.mapping) + " is held but lapsed");
            if (expected == 0 && entry.idle_until > now_ + patience && entry.kernel_until <= now_)
                fail(text(entry.mapping) + " is kept for signalling but lapsed");
            if (entry.kernel_until > now_ && !entry.mapping.is_identity() &&
                !in_kernel(entry.mapping, entry.kernel_until))
                fail(text(entry.mapping) + " is not in the kernel");
            if (expected == 0 && std::max(entry.idle_until, entry.linger_until) + patience < now_)
                fail(text(entry.mapping) + " is not forgotten");
            if (impl_.mappings.find_public({entry.mapping.transport, entry.public_endpoint()}) != &entry)
                fail(text(entry.mapping) + " is not found by its public endpoint");
            if (entry.listener && entry.kernel_until > now_ &&
                !in_kernel(Diversion{entry.mapping.transport, entry.mapping.inside}, entry.kernel_until))
                fail(text(entry.mapping) + " has lost its listener");
            if (entry.reachable && entry.kernel_until > now_ &&
                !in_kernel(Reachable{entry.mapping.transport, entry.mapping.outside}, entry.kernel_until))
                fail(text(entry.mapping) + " is no longer reachable");
        }
        if (held != mapping_holders_.size()) fail("something holds a mapping that is not there");
        if (pinhole_holders_.size() != impl_.mappings.pinhole_count())
            fail(std::to_string(impl_.mappings.pinhole_count()) + " pinholes, held are " +
                 std::to_string(pinhole_holders_.size()));
        for (const auto& [pinhole, holders] : pinhole_holders_) {
            const nat::PinholeEntry* entry = impl_.mappings.find(pinhole);
            if (!entry || entry->holders != holders)
                fail(text(pinhole) + " has other holders than it counts");
            if (entry->kernel_until + allowance(registered_pinholes_.contains(pinhole)) <= now_)
                fail(text(pinhole) + " is held but lapsed");
            if (entry->kernel_until > now_ && !in_kernel(pinhole, entry->kernel_until))
                fail(text(pinhole) + " is not in the kernel");
            if (!impl_.mappings.find_public({pinhole.transport, advertised(pinhole.outside)}))
                fail(text(pinhole) + " leads nowhere");
        }
    }

    Endpoint advertised(const Endpoint& outside) const {
        for (const auto& [key, entry] : impl_.mappings.all())
            if (entry.mapping.outside == outside) return entry.public_endpoint();
        return outside;
    }

    void elements() {
        for (const auto& [element, until] : kernel_.elements()) {
            if (until > now_ + std::chrono::hours(24 * 8)) fail("an element without a timeout (X8)");
            const bool over = until < now_ + rounding;  // as it was read back; the kernel ends it by itself
            if (const auto* pinhole = std::get_if<Pinhole>(&element)) {
                if (!over && !impl_.mappings.find(*pinhole)) fail(text(*pinhole) + " is nobody's");
            } else if (const auto* mapping = std::get_if<Mapping>(&element)) {
                if (mapping->is_identity()) fail(text(*mapping) + " translates nothing");
                const nat::MappingEntry* entry = impl_.mappings.find(
                    nat::MappingKey{{mapping->transport, mapping->inside}, mapping->outside.address});
                if (!over && (!entry || entry->mapping != *mapping || entry->kernel_until + rounding < until))
                    fail(text(*mapping) + " is nobody's");
            } else if (const auto* reachable = std::get_if<Reachable>(&element)) {
                const nat::MappingEntry* entry =
                    impl_.mappings.find_outside({reachable->transport, reachable->outside});
                if (!over && (!entry || !entry->reachable)) fail("what is reachable is nobody's");
            } else if (const auto* record = std::get_if<Record>(&element)) {
                if (record->bytes.empty() || record->bytes.size() > Record::max_bytes)
                    fail("record " + std::to_string(record->id) + " has a piece of " +
                         std::to_string(record->bytes.size()) + " bytes");
                records_[record->id][record->part] = record->bytes;
            }
        }
    }

    void record(std::uint32_t id, const std::string& bytes) {
        std::string stored;
        for (const auto& [part, piece] : records_[id])
            stored += piece;
        if (stored.empty() || stored != bytes)
            fail("record " + std::to_string(id) + " in the kernel is not what is remembered");
        records_.erase(id);
    }

    State& impl_;
    const TableKernel& kernel_;
    const Time now_;
    std::map<nat::MappingKey, std::uint32_t> mapping_holders_;
    std::map<Pinhole, std::uint32_t> pinhole_holders_;
    std::set<nat::MappingKey> registered_, connected_;
    std::set<Pinhole> registered_pinholes_;
    std::map<std::uint32_t, std::map<std::uint32_t, std::string>> records_;
};

}  // namespace

void check_invariants(State& state, const TableKernel& kernel, Time now) {
    Check(state, kernel, now).run();
}

}  // namespace sipalg::test
