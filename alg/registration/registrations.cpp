#include "alg/registration/registrations.hpp"

#include <algorithm>
#include <utility>

#include "alg/base/earliest.hpp"
#include "alg/kernel/record.hpp"
#include "alg/nat/old_endpoints.hpp"
#include "alg/policy/timing.hpp"
#include "alg/sip/delta_seconds.hpp"

namespace sipalg::registration {

namespace {

constexpr std::int64_t default_expires = 3600;  // RFC 3261 10.2.1.1
constexpr std::uint8_t max_legs = 8;            // pending REGISTERs of a phone with one Call-ID

// Whether the response answers a request from before a change of the router's address.
bool names_old_endpoint(const sip::Via& via, Transport transport, const nat::Mappings& mappings) {
    return via.sent_by.address &&
           mappings.find_old({transport, {*via.sent_by.address, via.sent_by.port.value_or(5060)}});
}

}  // namespace

void Registrations::request(const ReceivedMessage& received, const OwnContact& own, Effects& effects) {
    const sip::Message& message = received.message;
    std::string aor = aor_of(message);
    if (!received.has_bounded_identifiers() || aor.size() > max_identifier) {
        effects.limit = true;
        return;
    }
    const auto key = pending_key(received, aor);
    const Pending* known = key ? pending_.find(*key) : nullptr;
    if (!key || (!known && !has_room_for_pending(received.phone))) {
        effects.limit = true;
        return;
    }
    Pending pending;
    pending.from_tag = message.from_tag();
    pending.branch = received.branch();
    pending.aor = std::move(aor);
    pending.cseq = message.cseq().number;
    pending.registrar = received.peer;
    pending.egress = received.egress;
    pending.unmodified = received.unmodified;
    pending.until = received.now + transaction_time;
    const std::int64_t general =
        sip::delta_seconds(message, sip::HeaderId::expires).value_or(default_expires);
    pending.all = each_contact(message, own, [&](const ListedContact& contact) {
        const std::string_view user = contact.user.substr(0, max_identifier);
        pending.contacts.push_back({contact.inside, std::string(user), contact.expires.value_or(general)});
    });
    if (!known) pending_per_phone_.more(received.phone);
    pending_deadlines_.schedule(*key, pending.until);
    pending_.put(*key, std::move(pending));
}

void Registrations::response(const ReceivedMessage& received, const OwnContact& own, Effects& effects) {
    const sip::Message& message = received.message;
    if (message.status() < 200) return;
    const auto found = answered_key(message, received.phone, received.peer, received.now);
    if (!found) return;
    const Pending pending = *pending_.find(*found);
    // The phone has repeated the request from the present address: wait for the answer to that one.
    if (!pending.outdated && names_old_endpoint(message.top_via(), received.contact.transport, mappings_))
        return;
    if (message.status() >= 300) return;  // 401, 423: the phone repeats it with another CSeq, or it times out
    forget(*found);
    if (pending.all) {
        // C8: not those at other servers.
        unbind_those(
            received.phone,
            [&](const BindingKey& key, const Binding&) {
                return key.aor == pending.aor && key.registrar == pending.registrar;
            },
            "unregistered", received.now, effects);
        return;
    }
    const std::vector<Address> others = neighbours(received);
    const auto general = sip::delta_seconds(message, sip::HeaderId::expires);
    std::vector<ListedContact> listed;
    each_contact(message, own, [&](const ListedContact& contact) { listed.push_back(contact); });
    for (const Pending::Contact& contact : pending.contacts) {
        const BindingKey key{pending.aor, contact.inside, pending.registrar};
        const auto row = std::find_if(listed.begin(), listed.end(), [&](const ListedContact& entry) {
            return entry.inside == contact.inside;
        });
        std::int64_t granted = general ? std::min(*general, contact.expires) : contact.expires;
        if (row != listed.end() && row->expires) granted = *row->expires;
        // C8: a binding at another server stays until it ends on its own, because desk phones register one
        // account at two servers without reg-id (RFC 5626).
        if (contact.expires == 0 || granted == 0)
            unbind(key, "unregistered", received.now, effects);
        else if (!pending.outdated)
            bind(key, pending, granted, others, received.proven, received.now, effects);
    }
}

void Registrations::acquire(const BindingKey& key, const Binding& binding, Time until, Time now,
                            Effects& effects) {
    mappings_.acquire(nat::MappingKey{key.inside, binding.egress.address}, until, now, effects.changes);
    for (const Pinhole& pinhole : pinholes(key, binding))
        mappings_.pinholes().acquire(pinhole, until, now, effects.changes);
}

void Registrations::release(const BindingKey& key, const Binding& binding, Time now, Effects& effects) {
    for (const Pinhole& pinhole : pinholes(key, binding))
        mappings_.pinholes().release(pinhole, effects.changes);
    mappings_.release(nat::MappingKey{key.inside, binding.egress.address}, now, effects.changes);
}

void Registrations::bind(const BindingKey& key, const Pending& pending, std::int64_t granted,
                         const std::vector<Address>& others, bool proven, Time now, Effects& effects) {
    const nat::MappingEntry* entry = mappings_.map(key.inside, pending.egress, {}, now, effects.changes);
    const Binding* known = bindings_.find(key);
    if (!entry || (!known && !has_room(key.inside.endpoint.address))) {
        effects.limit = true;
        return;
    }
    const std::optional<Binding> before = known ? std::optional(*known) : std::nullopt;
    Binding binding = before.value_or(Binding{});
    binding.egress = pending.egress;
    binding.shown = entry->public_endpoint();
    binding.outside = entry->mapping.outside;
    binding.others = others;
    binding.unmodified = pending.unmodified;
    binding.proven = binding.proven || proven;
    binding.until = now + Seconds{granted} + registration_grace;
    binding.old_endpoints.clear();
    // Acquire before releasing, so that an unchanged element stays in the kernel.
    acquire(key, binding, binding.until, now, effects);
    if (before) {
        release(key, *before, now, effects);
    } else {
        binding.record_id = record_ids_.take();
        effects.events.push_back({Event::Kind::registered, key.aor,
                                  key.inside.endpoint.text() + " is known outside as " + binding.shown.text(),
                                  key.inside.endpoint.address, key.registrar});
    }
    store(key, binding, true, now, effects);
    enter(key, std::move(binding));
}

// X7
bool Registrations::has_room(const Address& phone) const {
    const std::size_t share = policy_.max_bindings_per_phone;
    return sipalg::has_room(bindings_.size(), policy_.max_bindings, per_phone_.is_guaranteed(phone, share)) &&
           per_phone_.has_room(phone, share);
}

// X7
bool Registrations::has_room_for_pending(const Address& phone) const {
    const std::size_t share = policy_.max_pending_registrations_per_phone;
    return sipalg::has_room(pending_.size(), policy_.max_pending_registrations,
                            pending_per_phone_.is_guaranteed(phone, share)) &&
           pending_per_phone_.has_room(phone, share);
}

void Registrations::enter(const BindingKey& key, Binding binding) {
    const Address& phone = key.inside.endpoint.address;
    if (!bindings_.contains(key)) {
        if (!of_phone_.contains(phone)) of_phone_.put(phone, {});
        of_phone_.edit(phone)->push_back(key);
        per_phone_.more(phone);
    }
    const Binding* known = bindings_.find(key);
    if (binding.proven && (!known || !known->proven)) proofs_.acquire({phone, key.registrar});
    deadlines_.schedule(key, binding.until);
    bindings_.put(key, std::move(binding));
}

void Registrations::remove(const BindingKey& key) {
    const Address& phone = key.inside.endpoint.address;
    std::vector<BindingKey>& of_phone = *of_phone_.edit(phone);
    std::erase(of_phone, key);
    if (of_phone.empty()) of_phone_.erase(phone);
    per_phone_.fewer(phone);
    if (bindings_.find(key)->proven) proofs_.release({phone, key.registrar});
    deadlines_.erase(key);
    bindings_.erase(key);
}

void Registrations::prove(const nat::PhonePeer& pair, Time now, Effects& effects) {
    const std::vector<BindingKey>* keys = bindings_of(pair.phone);
    if (!keys) return;
    for (const BindingKey& key : *keys) {
        const Binding* known = bindings_.find(key);
        if (key.registrar != pair.peer || known->proven) continue;
        Binding binding = *known;
        binding.proven = true;
        for (const Pinhole& pinhole : pinholes(key, binding))
            mappings_.pinholes().acquire(pinhole, binding.until, now, effects.changes);
        store(key, binding, false, now, effects);
        enter(key, std::move(binding));
    }
}

void Registrations::store(const BindingKey& key, Binding& binding, bool renew, Time now, Effects& effects) {
    std::string record = write_record(key, binding);
    const auto timeout = std::max(std::chrono::ceil<Seconds>(binding.until - now), Seconds{1});
    store_record(binding.record_id, binding.record, {record}, renew, timeout, effects.changes);
    binding.record = std::move(record);
}

void Registrations::note_old_endpoints(const BindingKey& key, const Binding& binding) {
    for (const Endpoint& shown : binding.old_endpoints)
        mappings_.note_old_endpoint({key.inside.transport, shown}, {key.inside, binding.egress.address},
                                    binding.until);
}

void Registrations::unbind(const BindingKey& key, const char* why, Time now, Effects& effects) {
    const Binding* found = bindings_.find(key);
    if (!found) return;
    const Binding binding = *found;
    release(key, binding, now, effects);
    store_record(binding.record_id, binding.record, {}, false, Seconds{0}, effects.changes);
    effects.events.push_back(
        {Event::Kind::unregistered, key.aor, why, key.inside.endpoint.address, key.registrar});
    remove(key);
}

void Registrations::unbind_those(const Address& phone,
                                 const std::function<bool(const BindingKey&, const Binding&)>& which,
                                 const char* why, Time now, Effects& effects) {
    std::vector<BindingKey> ended;
    if (const std::vector<BindingKey>* known = bindings_of(phone))
        for (const BindingKey& key : *known)
            if (which(key, *bindings_.find(key))) ended.push_back(key);
    for (const BindingKey& key : ended)
        unbind(key, why, now, effects);
}

void Registrations::expire(Time now, Effects& effects) {
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto key = pending_deadlines_.take_due(now);
        if (!key) break;
        forget(*key);
    }
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto key = deadlines_.take_due(now);
        if (!key) break;
        unbind(*key, "expired", now, effects);
    }
}

std::optional<Time> Registrations::next_deadline() const {
    return earliest({deadlines_.next(), pending_deadlines_.next()});
}

void Registrations::forget(const CallKey& key) {
    pending_.erase(key);
    pending_deadlines_.erase(key);
    pending_per_phone_.fewer(key.phone);
}

bool Registrations::restore(const StoredRecord& record, Time now, Effects& effects) {
    BindingKey key;
    Binding binding;
    if (!read_record(record.bytes, key, binding, record.clock) || bindings_.contains(key) ||
        binding.until <= now)
        return false;
    const nat::MappingEntry* entry =
        mappings_.map(key.inside, binding.egress, {binding.shown.port, 1, false}, now, effects.changes);
    if (!entry) return false;
    // The times in a record may be damaged: a binding lasts a day at most (C8), and its record as long as it.
    binding.until = std::min<Time>(binding.until, now + Seconds{sip::longest_delta} + registration_grace);
    const bool ends_before = record.until + Seconds{1} < binding.until;
    binding.record_id = record.id;
    binding.record = record.clock == Time{0} ? record.bytes : write_record(key, binding);
    store_record(record.id, record.bytes, {binding.record}, ends_before,
                 std::chrono::ceil<Seconds>(binding.until - now), effects.changes);
    binding.outside = entry->mapping.outside;
    acquire(key, binding, ends_before ? binding.until : std::min(record.until, binding.until), now, effects);
    note_old_endpoints(key, binding);
    enter(key, std::move(binding));
    return true;
}

void Registrations::list_records(Time now, std::vector<Change>& changes) const {
    for (const auto& [key, binding] : bindings_)
        if (binding.until > now)
            store_record(binding.record_id, {}, {binding.record}, false,
                         std::chrono::ceil<Seconds>(binding.until - now), changes);
}

bool Registrations::is_registered(const Address& phone, const Address& registrar) const {
    const std::vector<BindingKey>* known = bindings_of(phone);
    return known && std::any_of(known->begin(), known->end(),
                                [&](const BindingKey& key) { return key.registrar == registrar; });
}

std::optional<CallKey> Registrations::pending_key(const ReceivedMessage& received,
                                                  std::string_view aor) const {
    const std::string_view call_id = received.message.call_id();
    std::optional<std::uint8_t> vacant;
    for (std::uint8_t leg = 0; leg < max_legs; ++leg) {
        const Pending* pending = pending_.find(CallKeyView{call_id, received.phone, leg});
        if (pending && pending->registrar == received.peer && pending->aor == aor)
            return CallKey{call_id, received.phone, leg};
        if (!pending && !vacant) vacant = leg;
    }
    if (!vacant) return std::nullopt;
    return CallKey{call_id, received.phone, *vacant};
}

// All parts must match, or another host could make bindings with a forged 2xx (X3).
std::optional<CallKey> Registrations::answered_key(const sip::Message& response, const Address& phone,
                                                   const Address& registrar, Time now) const {
    for (std::uint8_t leg = 0; leg < max_legs; ++leg) {
        const Pending* pending = pending_.find(CallKeyView{response.call_id(), phone, leg});
        if (pending && pending->cseq == response.cseq().number && pending->from_tag == response.from_tag() &&
            !pending->branch.empty() && pending->branch == response.top_via().branch &&
            pending->registrar == registrar && pending->until >= now)
            return CallKey{response.call_id(), phone, leg};
    }
    return std::nullopt;
}

const Pending* Registrations::answered(const sip::Message& response, const Address& phone,
                                       const Address& registrar, Time now) const {
    const auto key = answered_key(response, phone, registrar, now);
    return key ? pending_.find(*key) : nullptr;
}

void Registrations::commit() {
    pending_.commit();
    pending_per_phone_.commit();
    pending_deadlines_.commit();
    bindings_.commit();
    of_phone_.commit();
    per_phone_.commit();
    deadlines_.commit();
}

void Registrations::cancel() {
    pending_.cancel();
    pending_per_phone_.cancel();
    pending_deadlines_.cancel();
    bindings_.cancel();
    of_phone_.cancel();
    per_phone_.cancel();
    deadlines_.cancel();
}

void Registrations::renumber(nat::Renumbering& renumbering, Time now, Effects& effects) {
    std::vector<CallKey> waiting;
    for (const auto& [key, pending] : pending_)
        if (renumbering.target(pending.egress)) waiting.push_back(key);
    for (const CallKey& key : waiting)
        pending_.edit(key)->outdated = true;

    std::vector<BindingKey> moving;
    for (const auto& [key, binding] : bindings_)
        if (renumbering.target_of_user(binding.egress)) moving.push_back(key);
    for (const BindingKey& key : moving) {
        Binding& binding = *bindings_.edit(key);
        const Address from = binding.egress.address;
        binding.egress = *renumbering.target_of_user(binding.egress);
        const nat::MappingEntry* entry = mappings_.find(nat::MappingKey{key.inside, binding.egress.address});
        if (!entry) {
            unbind(key, "no public port left at the new address", now, effects);
            continue;
        }
        nat::add_old_endpoint(binding.old_endpoints, binding.shown, entry->public_endpoint());
        binding.shown = entry->public_endpoint();
        binding.outside = entry->mapping.outside;
        note_old_endpoints(key, binding);
        store(key, binding, false, now, effects);
        ++renumbering.counts(from).bindings;
    }
}

}  // namespace sipalg::registration
