// The conversations of an explanation: facts sorted by Call-ID.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "alg/explain/explanation.hpp"

namespace sipalg::explain {

class Conversations {
  public:
    /// `result` gets the conversations, and the notes about facts that belong to none.
    explicit Conversations(Explanation& result) : result_(result) {}

    /// `frame`: that caused the fact; 0: a deadline.
    void add(facts::Fact fact, std::uint64_t frame, double at_s);
    /// nullptr: there is no such conversation. Valid until the next add().
    Conversation* find(const std::string& call_id);
    /// At most 100 notes are kept.
    void note(std::string text);

  private:
    Conversation& find_or_make(const facts::Message& message);

    Explanation& result_;
    std::unordered_map<std::string, std::size_t> by_call_id_;
    std::string current_;  ///< Call-ID of the latest message
};

}  // namespace sipalg::explain
