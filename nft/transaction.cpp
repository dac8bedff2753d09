#include "nft/transaction.hpp"

#include <set>
#include <utility>

namespace sipalg::nft {

namespace {

using Kind = ElementWriter::Kind;

// How long an element may live that is removed in the same batch: it never does.
constexpr Seconds moment{1};

// Collects the final state of each key, so that each is removed and created once at most.
class Plan {
  public:
    explicit Plan(const MapContents& maps) : maps_(maps) {}

    void remove(const Element& element) {
        for (const Entry& entry : entries_of(element))
            if (entry.data.size == 0 || held(entry) == entry.data) clear(entry);
    }

    void create(const Element& element, Seconds timeout) {
        const Entries entries = entries_of(element);
        for (const Entry& entry : entries) {
            if (const Value other = held(entry); other.size > 0 && other != entry.data)
                clear_other_half(entry);
            clear(entry);
            created_[{entry.set, entry.key}] = {entry, timeout};
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

    // The data that the kernel has or will have for the entry's key by what was planned so far.
    Value held(const Entry& entry) const {
        if (const auto planned = created_.find({entry.set, entry.key}); planned != created_.end())
            return planned->second.first.data;
        return found(entry.set, entry.key);
    }

    Value found(std::string_view set, const Value& key) const {
        if (set != set_name::mappings_out && set != set_name::mappings_in) return {};
        const auto& map = set == set_name::mappings_out ? maps_.out : maps_.in;
        const auto at = map.find(key);
        return at == map.end() || seen_.contains({set, key}) ? Value{} : at->second;
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

    // `entry` takes a key from another mapping, whose opposite entry must not stay behind.
    void clear_other_half(const Entry& entry) {
        const Value other = held(entry);
        Entry opposite;
        opposite.set = entry.set == set_name::mappings_out ? set_name::mappings_in : set_name::mappings_out;
        // key: protocol, address, port; data: address, port
        opposite.key.bytes[0] = entry.key.bytes[0];
        std::copy_n(other.bytes.begin(), 8, opposite.key.bytes.begin() + 4);
        opposite.key.size = 12;
        std::copy_n(entry.key.bytes.begin() + 4, 8, opposite.data.bytes.begin());
        opposite.data.size = 8;
        if (held(opposite) == opposite.data) clear(opposite);
    }

    const MapContents& maps_;
    std::vector<Entry> cleared_;
    std::set<Key> seen_;
    std::map<Key, std::pair<Entry, Seconds>> created_;
};

}  // namespace

std::optional<std::string> objection(std::span<const Change> changes) {
    for (const Change& change : changes) {
        if (auto reason = objection(change.element)) return reason;
        if (change.op != Change::Op::remove && change.timeout < Seconds{1})
            return "an element needs a timeout of at least one second";
    }
    return std::nullopt;
}

void append_changes(Batch& batch, const std::string& table, std::span<const Change> changes,
                    Removal removal) {
    ElementWriter writer(batch, table);
    for (const Change& change : changes) {
        const Entries entries = entries_of(change.element);
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
            plan.create(change.element, change.timeout);
    ElementWriter writer(batch, table);
    plan.write(writer);
}

}  // namespace sipalg::nft
