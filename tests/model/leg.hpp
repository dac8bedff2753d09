// One end's view of one dialog, and the descriptions that it makes there.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "tests/model/dice.hpp"
#include "tests/model/wire.hpp"

namespace sipalg::model {

/// A request that waits for our final response; `refuse` is the only status that the standards leave.
struct Asked {
    Message message;
    int refuse = 0;
};

/// A user agent follows RFC 3261, 3262, 3264, 3311 and 6337 as far as it knows what has happened: messages
/// may be lost on their way to it.
struct Leg {
    enum class Stage : std::uint8_t { none, early, confirmed, over };
    Side side = Side::inside;
    int fork = -1;
    Address host;  ///< where it wants its media
    std::string own_tag, other_tag;
    std::string target;  ///< URI of the other end, as it came here
    Stage stage = Stage::none;
    std::uint32_t cseq = 1;

    // Offers and answers.
    int offered = 0, offered_in = 0;  ///< own offer without answer, and its transaction
    int to_answer = 0, asked_in = 0;  ///< the other end's, without answer
    Description own, other;           ///< latest of each
    Description agreed;               ///< its own part of what was agreed last
    Role said = Role::none;           ///< what it made last, and of which offer
    int said_of = 0;
    std::set<int> heard;            ///< offers of the other end
    bool complete = false;          ///< some exchange has ended, so that another can begin
    bool invite_exchanged = false;  ///< one has within the INVITE under way
    bool updated = false;           ///< one has since the first INVITE

    // Requests under way.
    std::optional<Asked> invite_in, update_in;
    std::optional<Message> prack_in, bye_in;
    std::optional<Message> invite_out, update_out, prack_out, bye_out;
    std::optional<Message> prack_due;  ///< a reliable response that was not acknowledged yet
    std::optional<Message> ack;        ///< of the latest 2xx, for its retransmissions
    std::uint32_t rseq = 0;
    bool reliable_open = false;  ///< a reliable response of ours waits for its PRACK
    Time session_until{0};       ///< RFC 4028; 0: there is no session timer
    Time reliable_at{0};
    Time ack_due_until{0};  ///< after a 2xx: no ACK comes later

    /// A new offer, of whatever kind, can be made now.
    bool can_offer() const;
    /// The INVITE under way is the one that began the call.
    bool is_initial() const { return stage == Stage::none || stage == Stage::early; }

    /// Puts a new offer or the answer to to_answer into the message.
    void offer(Message& message, int number, Dice& dice);
    void answer(Message& message, Dice& dice);
    /// An offer or answer of the other end has come. 0, or the status that refuses it.
    int hear(const Message& message);
    /// The transaction has ended without success: what was offered in it counts no more.
    void forget(int transaction);
    /// A 2xx to INVITE or UPDATE begins the session's time anew.
    void refresh(const Message& message, Time now);
    /// Drops what has waited for longer than a transaction can live.
    void time_passes(Time now);
};

/// A first offer.
Description fresh_description(Side side, const Address& host, Dice& dice);

}  // namespace sipalg::model
