#include "nft/transaction.hpp"

#include <set>
#include <utility>

namespace sipalg::nft {

namespace {

using Kind = ElementWriter::Kind;

// The timeout of an element that is removed in the same batch, so it has no effect.
constexpr Seconds moment{1};

constexpr std::uint8_t endpoint_size = 8;  // IPv4 address and port

// Collects the final state of each key, so that each is removed and created at most once.
class Plan {
  public:
    explicit Plan(const MapContents& maps) : maps_(maps) {}

    void remove(const Element& element) {
        for (const Entry& entry : entries_of(element))
            if (entry.data.size == 0 || planned_data(entry) == entry.data) clear(entry);
    }

    void create(const Change& change) {
        for (const Entry& entry : entries_of(change)) {
            if (const Value other = planned_data(entry); other.size > 0 && other != entry.data)
                clear_other_half(entry);
            clear(entry);
            created_[{entry.set, entry.key}] = {entry, change.timeout};
        }
    }

    void write(ElementWriter& writer) const {
        for (const Entry& entry : cleared_)
            writer.put(Kind::ensure, entry, moment);
        for (const Entry& entry : cleared_)
            writer.put(Kind::remove, entry, {});
        for (const auto& [key, creation] : created_)
            writer.put(Kind::create, creation.first, creation.second);
    }

  private:
    using Key = std::pair<std::string_view, Value>;

    // The kernel's data for the entry's key after the changes that are planned so far.
    Value planned_data(const Entry& entry) const {
        if (const auto planned = created_.find({entry.set, entry.key}); planned != created_.end())
            return planned->second.first.data;
        return found(entry.set, entry.key);
    }

    Value found(std::string_view set, const Value& key) const {
        const auto* map = maps_.find(set);
        if (map == nullptr) return {};
        const auto at = map->find(key);
        return at == map->end() || seen_.contains({set, key}) ? Value{} : at->second;
    }

    void clear(const Entry& entry) {
        created_.erase({entry.set, entry.key});
        Entry there = entry;
        if (entry.data.size > 0) {
            there.data = found(entry.set, entry.key);
            if (there.data.size == 0) return;
        }
        if (seen_.insert({entry.set, entry.key}).second) cleared_.push_back(there);
    }

    // `entry` takes its key from another mapping, whose opposite entry must go too.
    void clear_other_half(const Entry& entry) {
        const Value other = planned_data(entry);
        Entry opposite;
        // key: protocol, address, port, with mappings_via also an interface; data: address, port
        opposite.key.bytes[0] = entry.key.bytes[0];
        std::copy_n(other.bytes.begin(), endpoint_size, opposite.key.bytes.begin() + 4);
        opposite.key.size = 4 + endpoint_size;
        std::copy_n(entry.key.bytes.begin() + 4, endpoint_size, opposite.data.bytes.begin());
        opposite.data.size = endpoint_size;
        if (entry.set != set_name::mappings_in) {
            opposite.set = set_name::mappings_in;
            if (planned_data(opposite) == opposite.data) clear(opposite);
            return;
        }
        opposite.set = set_name::mappings_out;
        if (planned_data(opposite) == opposite.data) clear(opposite);
        opposite.set = set_name::mappings_via;
        for (const Value& key : keys_of_interfaces(opposite.key)) {
            opposite.key = key;
            if (planned_data(opposite) == opposite.data) clear(opposite);
        }
    }

    // The keys in mappings_via that begin with this one, after the changes that are planned so far.
    std::vector<Value> keys_of_interfaces(const Value& beginning) const {
        std::vector<Value> found;
        const auto add = [&](const Value& key) {
            if (std::equal(key.bytes.begin(), key.bytes.begin() + beginning.size, beginning.bytes.begin()))
                found.push_back(key);
        };
        for (const auto& [key, data] : maps_.via)
            add(key);
        for (const auto& [place, creation] : created_)
            if (place.first == set_name::mappings_via && !maps_.via.contains(place.second)) add(place.second);
        return found;
    }

    const MapContents& maps_;
    std::vector<Entry> cleared_;
    std::set<Key> seen_;
    std::map<Key, std::pair<Entry, Seconds>> created_;
};

}  // namespace

const std::map<Value, Value>* MapContents::find(std::string_view set) const {
    return set == set_name::mappings_out   ? &out
           : set == set_name::mappings_via ? &via
           : set == set_name::mappings_in  ? &in
                                           : nullptr;
}

Result<> validate(std::span<const Change> changes) {
    for (const Change& change : changes) {
        if (auto valid = validate(change.element); !valid) return valid;
        if (change.note.size() > Record::max_bytes) return Failure{"a note is too long"};
        if (change.op != Change::Op::remove && change.timeout < Seconds{1})
            return Failure{"an element needs a timeout of at least one second"};
    }
    return {};
}

void append_changes(Batch& batch, const std::string& table, std::span<const Change> changes,
                    Removal removal) {
    ElementWriter writer(batch, table);
    for (const Change& change : changes) {
        const Entries entries = entries_of(change);
        const bool destroy = removal == Removal::destroy && entries.begin()->data.size == 0;
        const auto put_all = [&](Kind kind, Seconds timeout) {
            for (const Entry& entry : entries)
                writer.put(kind, entry, timeout);
        };
        if (change.op != Change::Op::add) {
            if (!destroy) put_all(Kind::ensure, moment);
            put_all(destroy ? Kind::destroy : Kind::remove, {});
        }
        if (change.op != Change::Op::remove) put_all(Kind::create, change.timeout);
    }
}

void append_carefully(Batch& batch, const std::string& table, std::span<const Change> changes,
                      const MapContents& maps) {
    Plan plan(maps);
    for (const Change& change : changes)
        if (change.op == Change::Op::remove)
            plan.remove(change.element);
        else
            plan.create(change);
    ElementWriter writer(batch, table);
    plan.write(writer);
}

}  // namespace sipalg::nft
