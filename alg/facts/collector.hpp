// Makes facts from decisions.
#pragma once

#include <unordered_map>
#include <vector>

#include "alg/core/state.hpp"
#include "alg/dialog/call_key.hpp"
#include "alg/facts/fact.hpp"

namespace sipalg::facts {

/// Remembers the pinholes of each call, so that a decision's facts are the difference. Used only while there
/// is a reader; begin() notes the pinholes that are already open.
class Collector {
  public:
    /// `observed`: the state is that of mode `observe`.
    explicit Collector(bool observed = false) : observed_(observed) {}

    /// Forgets everything, and notes the pinholes that are open now without making facts of them.
    void begin(const State& state);
    /// Appends the facts of a decision that was committed: messages, then pinholes, then events.
    void collect(const State& state, Decision& decision, Time now, std::vector<Fact>& facts);

  private:
    using Open = std::vector<call::CallPinhole>;
    void compare(const State& state, const CallKeyView& key, Time now, std::vector<Fact>& facts);
    void compare_all(const State& state, Time now, std::vector<Fact>& facts);
    void add(Time now, decltype(Fact::what) what, std::vector<Fact>& facts) const {
        // A Fact that is moved with its variant makes g++ 12 warn of the alternatives that it has not.
        facts.emplace_back();
        facts.back().at = now;
        facts.back().observed = observed_;
        facts.back().what.swap(what);
    }

    bool observed_;
    std::unordered_map<CallKey, Open, CallKeyHash, CallKeyEqual> open_;
};

}  // namespace sipalg::facts
