#include "alg/call/registrations.hpp"

#include <algorithm>

#include "alg/call/constants.hpp"
#include "alg/call/delta_seconds.hpp"
#include "alg/call/records.hpp"
#include "alg/sip/uri.hpp"

namespace sipalg::call {

namespace {

constexpr std::uint64_t layout = 0xb2;
constexpr std::int64_t default_expires = 3600;  // RFC 3261 10.2.1.1
constexpr std::size_t max_contacts = 16;
constexpr std::size_t max_pending = 1024;
constexpr std::size_t max_text = 512;

// The AOR as people write it: "sip:alice@example.com", without parameters.
std::string aor_of(const sip::Message& message) {
    const sip::Header* header = message.first(sip::HeaderId::to);
    if (!header) return {};
    std::string_view rest = header->value;
    const auto entry = sip::next_name_addr(rest);
    const auto uri = entry ? sip::parse_uri(entry->uri) : std::nullopt;
    if (!uri) return {};
    const std::string_view host = uri->host_port.text;
    if (host.empty()) return std::string(uri->text);
    return std::string(
        uri->text.substr(0, static_cast<std::size_t>(host.data() + host.size() - uri->text.data())));
}

// Calls `visit(inside, expires parameter)` for each Contact that is the phone's own; true if one was "*".
template <class Visit>
bool each_contact(const sip::Message& message, const Registrations::OwnContact& own, Visit visit) {
    bool star = false;
    std::size_t count = 0;
    for (const sip::Header& header : message.headers()) {
        if (header.id != sip::HeaderId::contact) continue;
        std::string_view rest = header.value;
        while (const auto entry = sip::next_name_addr(rest)) {
            if (entry->star) star = true;
            const auto uri = sip::literal_target(entry->uri);
            if (!uri) continue;
            const auto inside = own(*uri->host_port.address, uri->host_port.port.value_or(5060));
            if (!inside || ++count > max_contacts) continue;
            const auto parameter = sip::parameter(entry->parameters, "expires");
            visit(*inside, parameter ? delta_seconds(*parameter) : std::nullopt);
        }
    }
    return star;
}

// The response answers a request that left before the router's address changed.
bool names_former(const sip::Via& via, const Holdings& holdings) {
    return via.sent_by.address &&
           holdings.find_former({Transport::udp, {*via.sent_by.address, via.sent_by.port.value_or(5060)}});
}

std::string write_record(const BindingKey& key, const Binding& binding) {
    RecordWriter out;
    out.number(layout, 1);
    out.text(key.aor);
    out.number(static_cast<std::uint64_t>(key.inside.transport), 1);
    out.endpoint(key.inside.endpoint);
    out.address(binding.egress.address);
    out.address(binding.egress.advertised);
    out.endpoint(binding.shown);
    out.endpoints(binding.former);
    out.address(binding.pinhole.remote);
    out.number(static_cast<std::uint64_t>(binding.until.count()), 8);
    return out.take();
}

}  // namespace

std::size_t BindingKeyHash::operator()(const BindingKey& key) const noexcept {
    return std::hash<std::string>{}(key.aor) * 31 + std::hash<Socket>{}(key.inside);
}

void Registrations::request(const Heard& heard, const OwnContact& own, Effects& effects) {
    const sip::Message& message = heard.message;
    const CallKey key{std::string(message.call_id().substr(0, max_text)), heard.phone};
    const Pending* known = pending_.find(key);
    if (!known && (pending_.size() >= max_pending ||
                   pending_per_phone_.of(heard.phone) >= policy_.max_bindings_per_phone)) {
        effects.limit = true;
        return;
    }
    Pending pending;
    pending.from_tag = message.from_tag().substr(0, max_text);
    pending.branch = heard.branch();
    pending.aor = aor_of(message).substr(0, max_text);
    pending.cseq = message.cseq().number;
    pending.registrar = heard.peer;
    pending.egress = heard.egress;
    pending.until = heard.now + transaction_time;
    const std::int64_t general = delta_seconds(message, sip::HeaderId::expires).value_or(default_expires);
    pending.all = each_contact(message, own, [&](const Socket& inside, std::optional<std::int64_t> expires) {
        pending.contacts.push_back({inside, expires.value_or(general)});
    });
    pending.due = known ? known->due : pending.until;
    if (!known) {
        pending_per_phone_.more(heard.phone);
        pending_deadlines_.add(pending.due, key);
    }
    pending_.put(key, std::move(pending));
}

void Registrations::response(const Heard& heard, const OwnContact& own, std::uint32_t& next_record,
                             Effects& effects) {
    const sip::Message& message = heard.message;
    if (message.status() < 200) return;
    const CallKeyView view{message.call_id(), heard.phone};
    const Pending* found = pending_.find(view);
    // All of it must fit, or a stranger could make bindings with a 2xx of his own (X3).
    if (!found || found->cseq != message.cseq().number || found->from_tag != message.from_tag() ||
        found->branch != heard.branch() || found->branch.empty() || found->registrar != heard.peer ||
        found->until < heard.now)
        return;
    const Pending pending = *found;
    // The request has been sent again since, from the address that the router has now: its own answer counts.
    if (!pending.outdated && names_former(message.top_via(), holdings_)) return;
    if (message.status() >= 300) return;  // 401, 423: sent again with another CSeq; it ends with its deadline
    forget({std::string(message.call_id()), heard.phone});
    if (pending.all) {
        std::vector<BindingKey> ended;
        for (const auto& [key, binding] : bindings_)
            if (key.aor == pending.aor && key.inside.endpoint.address == heard.phone) ended.push_back(key);
        for (const BindingKey& key : ended)
            unbind(key, "unregistered", heard.now, effects);
        return;
    }
    const auto general = delta_seconds(message, sip::HeaderId::expires);
    std::vector<std::pair<Socket, std::optional<std::int64_t>>> listed;
    each_contact(message, own, [&](const Socket& inside, std::optional<std::int64_t> expires) {
        listed.emplace_back(inside, expires);
    });
    for (const Pending::Contact& contact : pending.contacts) {
        const BindingKey key{pending.aor, contact.inside};
        const auto row = std::find_if(listed.begin(), listed.end(),
                                      [&](const auto& entry) { return entry.first == contact.inside; });
        std::int64_t granted = general ? std::min(*general, contact.expires) : contact.expires;
        if (row != listed.end() && row->second) granted = *row->second;
        if (contact.expires == 0 || granted == 0)
            unbind(key, "unregistered", heard.now, effects);
        else if (!pending.outdated)
            bind(key, pending, granted, next_record, heard.now, effects);
    }
}

void Registrations::bind(const BindingKey& key, const Pending& pending, std::int64_t granted,
                         std::uint32_t& next_record, Time now, Effects& effects) {
    const MappingEntry* entry = holdings_.map(key.inside, pending.egress, {}, now);
    const bool known = bindings_.contains(key);
    if (!entry ||
        (!known && (bindings_.size() >= policy_.max_bindings ||
                    per_phone_.of(key.inside.endpoint.address) >= policy_.max_bindings_per_phone))) {
        effects.limit = true;
        return;
    }
    const Time until = now + Seconds{granted} + registration_grace;
    const Pinhole pinhole{key.inside.transport, pending.registrar, entry->mapping.outside};
    const MappingKey mapping = entry->key();
    Binding binding;
    if (known) {
        binding = *bindings_.find(key);
        const MappingKey old{key.inside, binding.egress.address};
        // Held anew before the old hold goes, so that an unchanged element never leaves the kernel in
        // between.
        holdings_.hold(mapping, until, now, effects.changes);
        holdings_.hold(pinhole, until, now, effects.changes);
        holdings_.release(binding.pinhole, effects.changes);
        holdings_.release(old, now, effects.changes);
    } else {
        binding.record_id = next_record++;
        per_phone_.more(key.inside.endpoint.address);
        holdings_.hold(mapping, until, now, effects.changes);
        holdings_.hold(pinhole, until, now, effects.changes);
        effects.events.push_back(
            {Event::Kind::registered, key.aor,
             key.inside.endpoint.text() + " is known outside as " + entry->public_endpoint().text()});
    }
    binding.egress = pending.egress;
    binding.shown = entry->public_endpoint();
    binding.pinhole = pinhole;
    binding.until = until;
    binding.former.clear();
    store(key, binding, true, now, effects);
    if (binding.due <= now || until < binding.due) {
        binding.due = until;
        deadlines_.add(until, key);
    }
    bindings_.put(key, std::move(binding));
}

void Registrations::store(const BindingKey& key, Binding& binding, bool renew, Time now, Effects& effects) {
    std::string record = write_record(key, binding);
    const auto timeout = std::max(std::chrono::ceil<Seconds>(binding.until - now), Seconds{1});
    store_record(binding.record_id, binding.record, record, renew, timeout, effects.changes);
    binding.record = std::move(record);
}

void Registrations::name_formerly(const BindingKey& key, const Binding& binding) {
    for (const Endpoint& shown : binding.former)
        holdings_.name_formerly({key.inside.transport, shown}, {key.inside, binding.egress.address},
                                binding.until);
}

void Registrations::unbind(const BindingKey& key, const char* why, Time now, Effects& effects) {
    const Binding* found = bindings_.find(key);
    if (!found) return;
    const Binding binding = *found;
    holdings_.release(binding.pinhole, effects.changes);
    holdings_.release(MappingKey{key.inside, binding.egress.address}, now, effects.changes);
    store_record(binding.record_id, binding.record, {}, false, Seconds{0}, effects.changes);
    effects.events.push_back({Event::Kind::unregistered, key.aor, why});
    per_phone_.fewer(key.inside.endpoint.address);
    bindings_.erase(key);
}

void Registrations::expire(Time now, Effects& effects) {
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto key = pending_deadlines_.due(now);
        if (!key) break;
        Pending* pending = pending_.edit(*key);
        if (!pending) continue;
        if (pending->until <= now) {
            forget(*key);
        } else {
            pending->due = pending->until;
            pending_deadlines_.add(pending->due, *key);
        }
    }
    for (int i = 0; i < deadlines_at_once; ++i) {
        const auto key = deadlines_.due(now);
        if (!key) break;
        Binding* binding = bindings_.edit(*key);
        if (!binding) continue;
        if (binding->until <= now) {
            unbind(*key, "expired", now, effects);
        } else {
            binding->due = binding->until;
            deadlines_.add(binding->due, *key);
        }
    }
}

std::optional<Time> Registrations::next_deadline() const {
    const auto bindings = deadlines_.next();
    const auto pending = pending_deadlines_.next();
    return bindings && pending ? std::min(*bindings, *pending) : bindings ? bindings : pending;
}

void Registrations::forget(const CallKey& key) {
    pending_.erase(key);
    pending_per_phone_.fewer(key.phone);
}

bool Registrations::restore(std::uint32_t id, const std::string& record, Time until, Time now,
                            Effects& effects) {
    RecordReader in(record);
    BindingKey key;
    Binding binding;
    if (in.number(1) != layout) return false;
    key.aor = in.text();
    key.inside.transport = in.number(1) == 6 ? Transport::tcp : Transport::udp;
    key.inside.endpoint = in.endpoint();
    binding.egress.address = in.address();
    binding.egress.advertised = in.address();
    binding.shown = in.endpoint();
    binding.former = in.endpoints(max_former);
    binding.pinhole.remote = in.address();
    binding.until = Time{static_cast<std::int64_t>(in.number(8))};
    if (!in.ok() || !in.at_end() || bindings_.contains(key) || binding.until <= now) return false;
    const MappingEntry* entry =
        holdings_.map(key.inside, binding.egress, {binding.shown.port, false, false}, now);
    if (!entry) return false;
    binding.record_id = id;
    binding.record = record;
    binding.pinhole.transport = key.inside.transport;
    binding.pinhole.outside = entry->mapping.outside;
    holdings_.hold(entry->key(), std::min(until, binding.until), now, effects.changes);
    holdings_.hold(binding.pinhole, std::min(until, binding.until), now, effects.changes);
    per_phone_.more(key.inside.endpoint.address);
    binding.due = binding.until;
    deadlines_.add(binding.due, key);
    name_formerly(key, binding);
    bindings_.put(key, std::move(binding));
    return true;
}

void Registrations::list_records(Time now, std::vector<Change>& changes) const {
    for (const auto& [key, binding] : bindings_)
        if (binding.until > now)
            store_record(binding.record_id, {}, binding.record, false,
                         std::chrono::ceil<Seconds>(binding.until - now), changes);
}

void Registrations::commit() {
    pending_.commit();
    pending_per_phone_.commit();
    pending_deadlines_.commit();
    bindings_.commit();
    per_phone_.commit();
    deadlines_.commit();
}

void Registrations::cancel() {
    pending_.cancel();
    pending_per_phone_.cancel();
    pending_deadlines_.cancel();
    bindings_.cancel();
    per_phone_.cancel();
    deadlines_.cancel();
}

}  // namespace sipalg::call
