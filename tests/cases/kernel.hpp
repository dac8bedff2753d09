// A kernel made of a table: what nft would hold, with timeouts.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "alg/pinhole.hpp"

namespace sipalg::test {

class TableKernel {
  public:
    void apply(std::span<const Change> changes, Time now) {
        expire(now);
        for (const Change& change : changes) {
            erase_same(change.element);
            if (change.op != Change::Op::remove) elements_[change.element] = now + Time{change.timeout};
        }
    }
    void expire(Time now) {
        std::erase_if(elements_, [&](const auto& entry) { return entry.second <= now; });
    }
    std::vector<StoredElement> read(Time now) const {
        std::vector<StoredElement> all;
        for (const auto& [element, until] : elements_)
            all.push_back({element, std::chrono::duration_cast<Seconds>(until - now)});
        return all;
    }
    const std::map<Element, Time>& elements() const { return elements_; }

  private:
    // A record piece is known by its number, not by its bytes.
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
};

}  // namespace sipalg::test
