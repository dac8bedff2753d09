// One end's view of one dialog, and the descriptions that it makes there.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "tests/model/dice.hpp"
#include "tests/model/wire.hpp"

namespace sipalg::model {

/// A request that waits for our final response; `refuse` is the only final status that the standards allow;
/// 0: any.
struct Asked {
    Message message;
    int refuse = 0;
};

/// A user agent follows RFC 3261, 3262, 3264, 3311 and 6337 by its own knowledge, which may be incomplete,
/// because messages to it may be lost.
struct Leg {
    enum class Stage : std::uint8_t { none, early, confirmed, over };
    Side side = Side::inside;
    int fork = -1;
    Address host;  ///< the address at which it receives media
    std::string own_tag, other_tag;
    std::string target;  ///< URI of the other end, as received
    Stage stage = Stage::none;
    std::uint32_t cseq = 1;

    // Offers and answers.
    int offered = 0, offered_in = 0;  ///< own offer without answer, and its transaction
    int to_answer = 0, asked_in = 0;  ///< the other end's, without answer
    Description own, other;           ///< latest of each
    Description agreed;               ///< its own description in the latest agreement
    Role said = Role::none;  ///< the role of its latest description, and the offer that this belongs to
    int said_of = 0;
    std::set<int> heard;            ///< offers of the other end
    bool complete = false;          ///< an offer was answered, so another can be made
    bool invite_exchanged = false;  ///< an offer was answered in the pending INVITE
    bool updated = false;           ///< an offer was answered since the first INVITE

    // Pending requests.
    std::optional<Asked> invite_in, update_in;
    std::optional<Message> prack_in, bye_in;
    std::optional<Message> invite_out, update_out, prack_out, bye_out;
    std::optional<Message> prack_due;  ///< a reliable response that was not acknowledged yet
    std::optional<Message> ack;        ///< of the latest 2xx, for its retransmissions
    std::uint32_t rseq = 0;
    bool reliable_open = false;  ///< a reliable response of ours waits for its PRACK
    Time session_until{0};       ///< RFC 4028; 0: there is no session timer
    Time reliable_at{0};
    Time ack_due_until{0};  ///< after a 2xx: the end of the wait for its ACK

    /// Whether a new offer of any kind can be made now.
    bool can_offer() const;
    /// Whether the pending INVITE is the one that began the call.
    bool is_initial() const { return stage == Stage::none || stage == Stage::early; }

    /// Puts a new offer or the answer to to_answer into the message.
    void offer(Message& message, int number, Dice& dice);
    void answer(Message& message, Dice& dice);
    /// Handles an offer or answer of the other end. Returns 0, or the status with which to refuse it.
    int hear(const Message& message);
    /// The transaction has failed: forgets the offers in it.
    void forget(int transaction);
    /// A 2xx to INVITE or UPDATE restarts the session timer.
    void refresh(const Message& message, Time now);
    /// Drops everything that has waited for longer than the lifetime of a transaction.
    void time_passes(Time now);
};

/// Makes a first offer.
Description fresh_description(Side side, const Address& host, Dice& dice);

}  // namespace sipalg::model
