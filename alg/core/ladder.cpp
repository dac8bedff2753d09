#include "alg/core/ladder.hpp"

#include <algorithm>

namespace sipalg {

void Ladder::add(LadderStep step, Time now) {
    if (steps_.empty()) begun_ = now;
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - begun_).count();
    step.after_ms = static_cast<std::uint32_t>(std::clamp<std::int64_t>(passed, 0, UINT32_MAX));
    if (steps_.size() == first + latest) {
        steps_.erase(steps_.begin() + first);
        ++left_out_;
    }
    // P5: most calls have few messages.
    if (steps_.size() == steps_.capacity()) steps_.reserve(steps_.size() + 4);
    steps_.push_back(step);
}

const Ladder* Ladders::find(std::uint32_t call) const {
    const auto it = ladders_.find(call);
    return it == ladders_.end() ? nullptr : &it->second;
}

void Ladders::forget_unless(const std::function<bool(std::uint32_t)>& exists) {
    std::erase_if(ladders_, [&](const auto& entry) { return !exists(entry.first); });
    if (ladders_.empty()) ladders_ = decltype(ladders_)();  // with its buckets, after a flood
}

void Ladders::commit() {
    for (const Staged& one : staged_)
        ladders_[one.call].add(one.step, one.at);
    staged_.clear();
}

void Ladders::refuse(Reason reason) {
    for (Staged& one : staged_) {
        one.step.reason = reason;
        one.step.places = 0;
    }
    commit();
}

}  // namespace sipalg
