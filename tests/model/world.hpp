// The world of a run: phones, the router with its kernel, the outside network and the time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/core/report.hpp"
#include "tests/cases/kernel.hpp"
#include "tests/model/conversation.hpp"
#include "tests/model/reference.hpp"
#include "tests/unit/flow_tracker.hpp"

namespace sipalg::model {

/// The kinds of steps; most are an Act of one of the conversations.
enum class Kind : std::uint8_t {
    begin,
    carry,
    late,
    repeat,
    ring,
    accept,
    decline,
    retry,
    cancel,
    prack,
    reply,
    update,
    reinvite,
    bye,
    stranger,
    clock,
    restart,
    talk,
};
constexpr std::size_t kinds = static_cast<std::size_t>(Kind::talk) + 1;

/// A step is independent of the others: if earlier steps are removed, it may have nothing to do, and then has
/// no effect.
struct Step {
    Kind kind = Kind::carry;
    std::uint64_t seed = 0;
};

/// A State as after the start of the daemon, in place of the previous one.
State& start(std::optional<State>& state);

/// Every function throws std::runtime_error when router and reference disagree.
class World {
  public:
    /// Registers phones. `told`: keep the ladder.
    explicit World(bool told);
    /// False: it had nothing to do.
    bool play(const Step& step);
    /// Lets hours pass without a message. No state may remain, and all limits must be free again.
    void finish();

    /// Adds a line to the ladder.
    void tell(const std::string& line);
    const std::vector<std::string>& ladder() const { return ladder_; }
    std::size_t packets() const { return packets_; }

  private:
    bool begin(Dice& dice);
    bool carry(Dice& dice);
    bool deliver_late(Dice& dice);
    bool repeat(Dice& dice);
    bool act(Act act, Dice& dice);
    bool stranger(Dice& dice);
    void advance(Time time);
    bool restart(Dice& dice);
    void check_kept_mappings();
    bool talk(Dice& dice);

    void collect();
    void deliver(const Message& message, Dice& dice);
    /// Passes the message through the router. False: the kernel refused, as requested by `refuse`.
    bool pass(Message& message, bool refuse);
    bool reaches_phone(const Message& message);
    void allow_unfollowed(const Message& message);
    std::string inspected(Side from, const Endpoint& source, const Endpoint& destination,
                          const std::string& text);
    void put_in_force();
    void expire_due();
    void scan();
    std::string register_phone(const Endpoint& phone, unsigned number, std::uint32_t expires);
    void check_out_and_in(const Message& message);
    void check_ports(const Message& message) const;
    void check();
    void check_room();
    Conversation* conversation(int number);

    std::optional<State> stored_;
    State& state_ = start(stored_);  ///< the same place across restarts
    test::TableKernel kernel_;
    Decision decision_;
    Reference reference_;
    Post post_;
    std::map<int, std::unique_ptr<Conversation>> conversations_;
    std::vector<Message> flight_;   ///< on the way to the router
    std::vector<Message> behind_;   ///< on the way from it
    std::vector<Message> history_;  ///< recently handled by the router
    std::map<Hole, Time> flows_;    ///< flows of signalling that phones began, with their last use
    test::FlowTracker conntrack_;
    bool established_ = false;               ///< the last packet was
    std::map<Endpoint, Time> left_over_;     ///< of messages outside of calls, and until when
    std::map<Endpoint, Time> unused_since_;  ///< mapped without a call, since when at the latest
    std::map<int, bool> silent_;             ///< calls without media
    std::string contact_;                    ///< of the registered phone, as it is known outside
    Time now_{1'000'000};
    int calls_ = 0;
    bool told_;
    std::vector<std::string> ladder_;
    std::size_t packets_ = 0;
};

}  // namespace sipalg::model
