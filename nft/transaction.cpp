#include "nft/transaction.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

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

// The changes of one key of a set.
struct KeyChange {
    Entry first, last;
    Change::Op first_op = Change::Op::add, last_op = Change::Op::add;
    Seconds timeout{0};  // of the last

    // Whether the kernel may have the key before.
    bool clears() const { return first_op != Change::Op::add || last_op == Change::Op::remove; }
    bool creates() const { return last_op != Change::Op::remove; }
    bool has_key_of(const Entry& entry) const { return entry.set == last.set && entry.key == last.key; }
};

// P2: sorted by set, so that the elements of a set share a message, and each key is changed once.
std::vector<KeyChange> changes_of_keys(std::span<const Change> changes) {
    std::vector<KeyChange> all;
    all.reserve(2 * changes.size());
    for (const Change& change : changes)
        for (const Entry& entry : entries_of(change))
            all.push_back({entry, entry, change.op, change.op, change.timeout});
    std::stable_sort(all.begin(), all.end(), [](const KeyChange& a, const KeyChange& b) {
        const int order = a.last.set.compare(b.last.set);
        return order != 0 ? order < 0 : a.last.key < b.last.key;
    });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (kept > 0 && all[kept - 1].has_key_of(all[i].last)) {
            KeyChange& earlier = all[kept - 1];
            earlier.last = all[i].last;
            earlier.last_op = all[i].last_op;
            earlier.timeout = all[i].timeout;
        } else {
            if (kept != i) all[kept] = all[i];
            ++kept;
        }
    }
    all.resize(kept);
    return all;
}

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
    const std::vector<KeyChange> keys = changes_of_keys(changes);
    const auto is_destroyed = [&](const KeyChange& key) {
        return removal == Removal::destroy && key.first.data.size == 0;
    };
    ElementWriter writer(batch, table);
    for (const KeyChange& key : keys)
        if (key.clears() && !is_destroyed(key)) writer.put(Kind::ensure, key.first, moment);
    for (const KeyChange& key : keys)
        if (key.clears()) writer.put(is_destroyed(key) ? Kind::destroy : Kind::remove, key.first, {});
    for (const KeyChange& key : keys)
        if (key.creates()) writer.put(Kind::create, key.last, key.timeout);
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
