// The interface of the core for TCP connections: they pass messages to it and acquire the mappings of phones.
#pragma once

#include "alg/core/decision.hpp"
#include "alg/core/state.hpp"
#include "alg/tcp/message_sink.hpp"

namespace sipalg {

class StreamSink : public tcp::MessageSink {
  public:
    /// Results of messages are added to `decision`. `again`: see Arrival.
    StreamSink(State& state, Decision& decision, bool again = false)
        : state_(state), decision_(decision), again_(again) {}

    tcp::MessageResult inspect(const tcp::StreamMessage& message, Time now) override;
    void note_opened(const tcp::ConnectionKey& key, Side from, Time now) override;
    void note(const tcp::ConnectionKey& key, Side from, Reason reason, std::string_view bytes,
              Time now) override;
    Reason reason_of(sip::Kind kind) const override;

    bool map(const Endpoint& phone, const Egress& egress, Time now) override;
    bool acquire(const Endpoint& phone, const Egress& egress, Time until, Time now,
                 std::vector<Change>& changes) override;
    void refresh(const Endpoint& phone, const Egress& egress, Time until, Time now,
                 std::vector<Change>& changes) override;
    void release(const Endpoint& phone, const Egress& egress, Time now,
                 std::vector<Change>& changes) override;

    std::uint32_t next_record_id() override { return state_.record_ids.take(); }

  private:
    State& state_;
    Decision& decision_;
    const bool again_;
};

}  // namespace sipalg
