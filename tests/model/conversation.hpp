// One call from the view of its ends: a caller and one to three callees.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/model/leg.hpp"

namespace sipalg::model {

/// The actions of an end; most of them are only possible at certain times.
enum class Act : std::uint8_t { ring, accept, decline, retry, cancel, prack, reply, update, reinvite, bye };

/// Collects the messages, and assigns numbers that are unique in the whole run.
struct Post {
    std::vector<Message> outbox;
    int messages = 0, transactions = 0, offers = 0, forks = 0, branches = 0;
};

class Conversation {
  public:
    struct Ends {
        Side caller = Side::inside;
        Endpoint phone, peer, next_peer;  ///< signalling; next_peer is where a redirection leads
        std::string phone_contact;        ///< of the phone, as it is known outside
    };
    Conversation(int number, const Ends& ends, Post& post) : number_(number), ends_(ends), post_(post) {}

    void begin(Dice& dice, Time now);
    /// False: the action is not possible now.
    bool act(Act act, Dice& dice, Time now);
    /// Throws std::runtime_error if the receiver must not get such a message.
    void receive(const Message& message, Dice& dice, Time now);
    void time_passes(Time now);

  private:
    struct Invite {
        Message message;
        bool open = false, rang = false, cancelled = false;
        int refused = 0;  ///< status after which another attempt is possible
    };

    bool is_caller(const Leg& leg) const { return leg.side == ends_.caller; }
    Side callee_side() const { return ends_.caller == Side::inside ? Side::outside : Side::inside; }
    std::vector<Leg>& legs_of(Side side) { return side == ends_.caller ? calling_ : called_; }
    Message blank(Side from, const char* method, Time now);
    Message request(Leg& leg, const char* method, Time now);
    Message response(const Leg& leg, const Message& answered, int status, Time now);
    /// Writes the message and hands it over.
    const Message& send(Message message, const std::string& uri, int branch = 0);
    void respond(Message message, const Message& answered);
    void acknowledge(Leg& leg, const Message& final, Dice& dice, Time now);
    void send_invite(Dice& dice, Time now);

    bool try_act(Act act, Leg& leg, Dice& dice, Time now);
    bool ring(Leg& leg, Dice& dice, Time now);
    bool accept(Leg& leg, Dice& dice, Time now);
    bool decline(Leg& leg, Dice& dice, Time now);
    /// Ends the leg. With the last leg, the INVITE that began the call is refused.
    void decline_first(Leg& leg, int status, Time now);
    bool retry(Dice& dice, Time now);
    bool cancel(Dice& dice, Time now);
    bool prack(Leg& leg, Dice& dice, Time now);
    bool reply(Leg& leg, Dice& dice, Time now);
    bool update(Leg& leg, Dice& dice, Time now);
    bool reinvite(Leg& leg, Dice& dice, Time now);
    bool bye(Leg& leg, Dice& dice, Time now);

    Leg* receiver(const Message& message);
    void check_route(const Message& message) const;
    void receive_first_invite(const Message& message, Dice& dice);
    void receive_cancel(const Message& message, Time now);
    void receive_request(Leg& leg, const Message& message);
    void receive_invite_response(Leg& leg, const Message& message, Dice& dice, Time now);
    void receive_response(Leg& leg, const Message& message);

    int number_;
    Ends ends_;
    Post& post_;
    std::uint32_t cseq_ = 0;  ///< of INVITEs outside a dialog
    Invite invite_;
    Description wanted_;              ///< of the caller's first offer
    std::optional<Message> invited_;  ///< as it reached the called
    std::optional<Time> accepted_;
    std::vector<Leg> calling_, called_;
    std::set<std::pair<int, Side>> seen_;
};

}  // namespace sipalg::model
