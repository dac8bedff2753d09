// The messages of each call so far, for `sipalgctl call` (O1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/policy/per_side.hpp"
#include "alg/policy/reason.hpp"
#include "alg/rewrite/place.hpp"
#include "alg/sip/header.hpp"

namespace sipalg {

/// A message in few bytes, because each call stores several.
struct LadderStep {
    std::uint32_t after_ms = 0;                 ///< since the first message of the call
    std::uint32_t places = 0;                   ///< the changed places: a bit for each rewrite::Place
    std::uint16_t status = 0;                   ///< 0: a request
    sip::Method method = sip::Method::unknown;  ///< for a response, the method of its request
    Reason reason = Reason::unchanged;
    Side from = Side::inside;

    bool has_changed(rewrite::Place place) const {
        return (places >> static_cast<unsigned>(place) & 1U) != 0;
    }
    friend bool operator==(const LadderStep&, const LadderStep&) = default;
};
static_assert(static_cast<unsigned>(rewrite::Place::count_) <= 32);

/// The first and the latest messages of one call.
class Ladder {
  public:
    static constexpr std::size_t first = 10, latest = 10;

    void add(LadderStep step, Time now);
    /// In order. Messages between the first and the latest ones may be missing.
    const std::vector<LadderStep>& steps() const { return steps_; }
    /// The number of missing messages, after step `first`.
    std::uint32_t left_out() const { return left_out_; }
    Time begun() const { return begun_; }

  private:
    Time begun_{0};
    std::vector<LadderStep> steps_;
    std::uint32_t left_out_ = 0;
};

/// The ladders by the record id of their call. Messages are staged (law 4), because a message may be
/// inspected twice.
class Ladders {
  public:
    void note(std::uint32_t call, const LadderStep& step, Time now) { staged_.push_back({call, step, now}); }
    /// nullptr: no message was noted since the daemon started.
    const Ladder* find(std::uint32_t call) const;
    std::size_t size() const { return ladders_.size(); }
    /// See State::shrink().
    void shrink() { ladders_.rehash(0); }
    /// Forgets the ladders of calls that have ended.
    void forget_unless(const std::function<bool(std::uint32_t call)>& exists);

    void commit();
    void cancel() { staged_.clear(); }
    /// Instead of cancel(): the messages have passed unmodified, for this reason.
    void refuse(Reason reason);

  private:
    struct Staged {
        std::uint32_t call;
        LadderStep step;
        Time at;
    };
    std::unordered_map<std::uint32_t, Ladder> ladders_;
    std::vector<Staged> staged_;
};

}  // namespace sipalg
