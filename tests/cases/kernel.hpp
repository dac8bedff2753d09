// A table of elements with timeouts, in place of the kernel.
#pragma once

#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/kernel/element.hpp"

namespace sipalg::test {

class TableKernel {
  public:
    void apply(std::span<const Change> changes, Time now) {
        expire(now);
        for (const Change& change : changes) {
            erase_same(change.element);
            notes_.erase(change.element);
            if (change.op == Change::Op::remove) continue;
            elements_[change.element] = now + Time{change.timeout};
            if (!change.note.empty()) notes_[change.element] = change.note;
        }
    }
    /// Applies the changes and commits them. False: the table refused, and they were cancelled. Throws
    /// std::runtime_error if an added element has no timeout (X8).
    bool put_in_force(State& state, std::span<const Change> changes, Time now) {
        if (refuses_ && !changes.empty()) {
            refuses_ = false;
            state.cancel();
            return false;
        }
        for (const Change& change : changes)
            if (change.op != Change::Op::remove && change.timeout < Seconds{1})
                throw std::runtime_error("an element without a timeout");
        apply(changes, now);
        state.commit();
        return true;
    }
    /// The next transaction is refused.
    void refuse() { refuses_ = true; }
    /// The same, at most once in ten seconds: no promise holds with a kernel that refuses every transaction.
    void refuse_at_times(Time now) {
        if (now < next_refusal_) return;
        next_refusal_ = now + Seconds{10};
        refuses_ = true;
    }
    void relent() { refuses_ = false; }
    bool refuses() const { return refuses_; }

    void flush() { elements_.clear(); }
    void expire(Time now) {
        std::erase_if(elements_, [&](const auto& entry) { return entry.second <= now; });
    }
    std::vector<StoredElement> read(Time now) const {
        std::vector<StoredElement> all;
        for (const auto& [element, until] : elements_)
            all.push_back({element, std::chrono::duration_cast<Seconds>(until - now), note(element)});
        return all;
    }
    const std::map<Element, Time>& elements() const { return elements_; }
    /// The note of an element; empty: none.
    std::string note(const Element& element) const {
        const auto note = notes_.find(element);
        return note == notes_.end() ? std::string() : note->second;
    }

  private:
    // A piece of a record is identified by its number, not by its bytes.
    void erase_same(const Element& element) {
        if (const auto* record = std::get_if<Record>(&element))
            std::erase_if(elements_, [&](const auto& entry) {
                const auto* other = std::get_if<Record>(&entry.first);
                return other && other->id == record->id && other->part == record->part;
            });
        else
            elements_.erase(element);
    }

    std::map<Element, Time> elements_;
    std::map<Element, std::string> notes_;
    bool refuses_ = false;
    Time next_refusal_{0};
};

}  // namespace sipalg::test
