// The pinholes that must be open and those that may be, derived from the meaning of messages: an independent
// implementation that shares no logic with alg/call.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/wire.hpp"

namespace sipalg::model {

/// An endpoint of a phone, and an outside address that may send there.
struct Hole {
    Endpoint inside;
    Address remote;
    friend auto operator<=>(const Hole&, const Hole&) = default;
};

/// The requirements of the rules at one moment.
struct Expected {
    std::set<Hole> must, may;              ///< pinholes
    std::set<Endpoint> must_map, may_map;  ///< mappings
    std::set<Endpoint> media, sure_media;  ///< mappings without those of signalling
};

class Reference {
  public:
    static constexpr Time silence{300'000}, hold{1'200'000};

    /// Introduces a call before its first message.
    void introduce(int call, Side caller, const Endpoint& phone);
    /// The router has handled the message. False: it belongs to no live dialog, or to one that was adopted.
    bool pass(const Message& message, Time now);
    /// The peer's packet has reached the phone on a flow that the phone had begun (X11). `refused`: the
    /// kernel has refused the changes of the proof.
    void answer(const Address& phone, const Address& peer, bool refused, Time now);
    /// The phone is registered there for the whole run.
    void register_at(const Address& phone, const Address& registrar) {
        registered_.insert({phone, registrar});
    }
    /// Conntrack has shown media at these endpoints.
    void hear(const std::set<Endpoint>& inside, Time now);
    /// The daemon was killed and another was started, which counts silence from now on.
    void restart(Time now);
    void time_passes(Time now);

    Expected expected(Time now) const;
    bool alive(int call) const;
    /// Where the phone of this call may have media.
    std::set<Endpoint> media_of(int call, Time now) const;

  private:
    struct Offer {
        int number = 0;
        Side by = Side::inside;
        int transaction = 0;
        Description lines;
        std::set<Endpoint> kept;  ///< endpoints of lines held by 0.0.0.0 that were mapped before
        Time until{0};            ///< the end of its transaction, after which no answer is possible
        bool sure = true;         ///< it is an offer for certain
    };
    struct Dialog {
        enum class State : std::uint8_t { early, confirmed, over };
        State state = State::early;
        std::optional<Description> local, remote;  ///< agreed; local is the phone's
        std::set<Endpoint> kept;
        std::map<Side, Offer> pending;
        std::set<int> settled;  ///< offers that were answered, refused or withdrawn
        bool renegotiated = false;
        bool adopted = false;                  ///< its earlier messages are not known
        std::map<Side, std::uint32_t> latest;  ///< CSeq of requests that are not INVITE or ACK
        struct Bye {
            Time until{0};  ///< its timeout
            Side by = Side::inside;
            std::uint32_t cseq = 0, before = 0;  ///< its number, and `latest` of its side before it
        };
        std::map<int, Bye> byes;  ///< by transaction
        std::set<int> requests;
        std::set<int> past_byes, past;  ///< transactions that were answered
        std::optional<Time> session_until;
    };
    struct Call {
        Side caller = Side::inside;
        Endpoint phone;
        std::vector<Address> peers;  ///< latest first
        std::set<Address> met;       ///< others that may be peers
        std::set<Address> proven;    ///< peers that had answered when it began, or have since
        int transaction = 0;         ///< of the INVITE that began it
        std::uint32_t cseq = 0;      ///< the number of that INVITE
        bool cancelled = false;      ///< its CANCEL was accepted
        bool ringing = false, over = true, confirmed = false;
        std::optional<Offer> initial;
        std::map<int, Dialog> dialogs;
        std::map<Endpoint, Time> heard;
        std::set<int> past;  ///< INVITEs with a final response
        Time ringing_until{0}, forks_until{0}, sign{0}, over_at{0};
    };

    void begin(Call& call, const Message& message, Time now);
    void adopt(Call& call, const Message& message, Time now);
    void pass_request(Call& call, Dialog& dialog, const Message& message, Time now);
    bool pass_first_response(Call& call, const Message& message, Time now);
    static void prolong_ringing(Call& call, Time now);
    void pass_cancel_response(Call& call, const Message& message, Time now) const;
    void pass_response(Call& call, Dialog& dialog, const Message& message, Time now);
    void take(Call& call, Dialog& dialog, const Message& message, Time now);
    void agree(Dialog& dialog, const Offer& offer, const Message& answer, const std::set<Endpoint>& kept);
    void refuse(Dialog& dialog, int transaction);
    void refresh(Dialog& dialog, const Message& message, Time now);
    void end(Call& call, Time now);
    void end_if_alone(Call& call, Time now);
    std::set<Endpoint> kept_of(const Call& call, const Message& message, Time now) const;
    bool quiet(const Call& call) const;
    Time silent_until(const Call& call, const std::set<Endpoint>& media) const;
    void expect(const Call& call, Time now, Expected& out) const;

    using Pair = std::pair<Address, Address>;  ///< phone and peer
    bool is_proven(const Pair& pair, Time now) const;
    /// Whether some peer of the call may be proven. Proofs that other calls keep are not considered.
    bool may_be_proven(const Call& call) const;

    std::map<int, Call> calls_;
    std::set<Pair> registered_;
    std::map<Pair, Time> answered_;  ///< the latest proof
};

}  // namespace sipalg::model
