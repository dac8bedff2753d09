// Collects facts from the engine until the end of the wake-up.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "alg/facts/collector.hpp"

namespace sipalg::daemon {

/// Takes facts from decisions only while there is a reader. Taking a fact costs only a copy; facts are
/// written after the verdicts. Bounded: facts that do not fit are counted as lost.
class FactFeed {
  public:
    static constexpr std::size_t max_facts = 4096;
    static constexpr std::size_t max_bytes = 8 << 20;  ///< of messages

    /// Which facts are taken from now on. Pinholes that are open at the start make no facts.
    void set_interest(facts::Interest interest, const State& state, const State& observed);
    facts::Interest interest() const { return interest_; }

    /// Takes the facts of a decision that is in force. Moves Decision::seen away. Never throws: without
    /// memory facts are lost.
    void take(const State& state, Decision& decision, Time now, bool observed) noexcept;
    /// Takes the messages of a cancelled decision. They were forwarded unmodified, for this reason.
    void take_refused(Decision& decision, Reason reason, Time now) noexcept;
    void take(std::span<const Event> events, Time now, bool observed) noexcept;

    struct Batch {
        std::vector<facts::Fact> facts;
        std::uint64_t lost = 0;
    };
    /// Everything since the last call.
    Batch collect();

  private:
    /// Takes facts that `make` appends. Never throws.
    template <class Make>
    void take_made(Make make) noexcept;
    void keep(std::vector<facts::Fact>& fresh);

    facts::Interest interest_ = facts::Interest::nothing;
    facts::Collector collector_, observed_{true};
    Batch batch_;
    std::vector<facts::Fact> fresh_;
    std::size_t bytes_ = 0;
};

}  // namespace sipalg::daemon
