#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "alg/explain/explanation.hpp"

namespace sipalg::explain {

namespace {

using facts::Message;
using Verdict = Conversation::Verdict;

std::string seconds(double value) {
    char text[48];
    std::snprintf(text, sizeof text, "%.1f s", value);
    return text;
}

std::string packets(std::uint64_t count) {
    return std::to_string(count) + (count == 1 ? " packet" : " packets");
}

/// The outcome of a request and its answers.
struct Outcome {
    bool asked = false, answered = false;
    double asked_s = 0, answered_s = 0;
    int status = 0;  ///< the final one, the latest
    std::string phrase;
    std::size_t requests = 0;
    bool any_response = false;
    Side asker = Side::inside;
};

Outcome outcome_of(const Conversation& conversation, std::string_view method) {
    Outcome outcome;
    for (const Entry& entry : conversation.entries) {
        const auto* message = std::get_if<Message>(&entry.fact.what);
        if (!message || message->method != method) continue;
        if (message->status == 0) {
            if (!outcome.asked) {
                outcome.asked_s = entry.at_s;
                outcome.asker = message->seen.from;
            }
            outcome.asked = true;
            ++outcome.requests;
            continue;
        }
        outcome.any_response = true;
        if (message->status < 200 || outcome.answered) continue;
        outcome.status = message->status;
        outcome.phrase = message->title();
        if (message->status < 300) {
            outcome.answered = true;
            outcome.answered_s = entry.at_s;
        }
    }
    return outcome;
}

class Judge {
  public:
    Judge(Conversation& conversation, bool sees_media)
        : conversation_(conversation), sees_media_(sees_media) {}

    void run() {
        switch (conversation_.kind) {
            case Conversation::Kind::call: call(); break;
            case Conversation::Kind::registration: registration(); break;
            case Conversation::Kind::other: other(); break;
        }
        look_at_messages();
        if (!conversation_.problems.empty()) conversation_.verdict = Verdict::problem;
    }

  private:
    void complain(std::string text) {
        auto& problems = conversation_.problems;
        if (problems.size() < 20 && std::find(problems.begin(), problems.end(), text) == problems.end())
            problems.push_back(std::move(text));
    }

    void call() {
        const Outcome invite = outcome_of(conversation_, "INVITE");
        const Outcome cancel = outcome_of(conversation_, "CANCEL");
        const Outcome bye = outcome_of(conversation_, "BYE");
        if (!invite.asked) {
            conversation_.summary = "began before the capture";
            conversation_.verdict = Verdict::incomplete;
        } else if (invite.answered) {
            conversation_.summary = "answered after " + seconds(invite.answered_s - invite.asked_s);
            // In a capture whose clock was set back, the BYE may come first.
            const double length = bye.asked_s - invite.answered_s;
            if (bye.asked)
                conversation_.summary += std::string(", ended by the ") +
                                         (bye.asker == Side::inside ? "phone" : "peer") +
                                         (length < 0 ? "" : " after " + seconds(length));
            else
                conversation_.summary += ", not ended in the capture";
            if (!bye.asked) conversation_.verdict = Verdict::incomplete;
        } else if (invite.status != 0 && cancel.asked) {
            conversation_.summary = "cancelled before an answer";
        } else if (invite.status == 401 || invite.status == 407) {
            conversation_.summary =
                "asked for credentials (" + invite.phrase + "), and the INVITE was not repeated";
            conversation_.verdict = Verdict::incomplete;
        } else if (invite.status != 0) {
            conversation_.summary = "refused: " + invite.phrase;
        } else if (!invite.any_response) {
            conversation_.summary = "no answer to the INVITE";
            complain("no response at all to " + std::to_string(invite.requests) +
                     (invite.requests == 1 ? " INVITE" : " INVITEs") +
                     ": the other side cannot be reached, or its answers are not in the capture");
        } else {
            conversation_.summary = "no final answer in the capture";
            conversation_.verdict = Verdict::incomplete;
        }
        media(invite, bye);
    }

    void media(const Outcome& invite, const Outcome& bye) {
        std::set<Address> named;
        for (const PinholeLife& life : conversation_.pinholes)
            if (!life.pinhole.signalling) named.insert(life.pinhole.pinhole.remote);
        std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> totals;  // type: from phone, to phone
        for (const MediaPath& path : conversation_.media) {
            if (!path.rtcp) {
                totals[path.type].first += path.from_phone;
                totals[path.type].second += path.to_phone;
            }
            if (path.refused == 0) continue;
            if (named.contains(path.remote.address) || named.contains(Address()))
                complain(packets(path.refused) + " of " + path.type + (path.rtcp ? " (RTCP)" : "") +
                         " from " + path.remote.text() +
                         " arrived while no pinhole was open for them, and would be dropped");
            else
                complain(path.type + (path.rtcp ? " (RTCP)" : "") + " from the peer came from " +
                         path.remote.address.text() + ", which no description named: " +
                         packets(path.refused) + " would be dropped; media-source = latch would let them in");
        }
        for (const auto& [type, count] : totals)
            conversation_.summary +=
                "; " + type + ": " + packets(count.first) + " out, " + std::to_string(count.second) + " in";
        if (!sees_media_ || !invite.answered) return;
        const double end = bye.asked ? bye.asked_s : last_s();
        if (end - invite.answered_s < 3 || opened_media() == 0) return;
        std::uint64_t out = 0, in = 0, refused = 0;
        for (const MediaPath& path : conversation_.media) {
            out += path.from_phone;
            in += path.to_phone;
            refused += path.refused;
        }
        if (out == 0 && in == 0 && refused == 0)
            complain("no media at all in the capture for this call");
        else if (in == 0 && refused == 0)
            complain("no media came from the peer, although the phone sent " + packets(out));
        else if (out == 0)
            complain("the phone sent no media");
    }

    std::size_t opened_media() const {
        return static_cast<std::size_t>(
            std::count_if(conversation_.pinholes.begin(), conversation_.pinholes.end(),
                          [](const PinholeLife& life) { return !life.pinhole.signalling; }));
    }

    double last_s() const { return conversation_.entries.empty() ? 0 : conversation_.entries.back().at_s; }

    void registration() {
        const Outcome outcome = outcome_of(conversation_, "REGISTER");
        if (outcome.answered) {
            conversation_.summary = "accepted: " + outcome.phrase;
        } else if (outcome.status == 401 || outcome.status == 407) {
            conversation_.summary = "asked for credentials (" + outcome.phrase + ")";
            if (outcome.requests > 1)
                complain("the registrar refused the credentials: " + outcome.phrase + " to " +
                         std::to_string(outcome.requests) + " requests");
            else
                conversation_.verdict = Verdict::incomplete;
        } else if (outcome.status != 0) {
            conversation_.summary = "refused: " + outcome.phrase;
            complain("the registrar refused: " + outcome.phrase);
        } else if (outcome.asked) {
            conversation_.summary = "no answer";
            complain("no answer to " + std::to_string(outcome.requests) +
                     (outcome.requests == 1 ? " REGISTER" : " REGISTERs"));
        } else {
            conversation_.summary = "began before the capture";
            conversation_.verdict = Verdict::incomplete;
        }
    }

    void other() {
        std::string method, answer;
        for (const Entry& entry : conversation_.entries) {
            const auto* message = std::get_if<Message>(&entry.fact.what);
            if (!message) continue;
            if (method.empty()) method = message->method;
            if (message->status >= 200 && message->method == method) answer = message->title();
        }
        conversation_.summary = method + (answer.empty() ? ": no answer in the capture" : ": " + answer);
        if (answer.empty() && method != "ACK") conversation_.verdict = Verdict::incomplete;
    }

    void look_at_messages() {
        for (const Entry& entry : conversation_.entries) {
            if (const auto* event = std::get_if<Event>(&entry.fact.what)) {
                if (event->kind == Event::Kind::body_sealed) complain(event->detail);
                if (event->kind == Event::Kind::call_ended && event->detail != "BYE" &&
                    event->detail != "not answered" && event->detail != "no final answer")
                    complain("the call was ended by: " + event->detail);
                continue;
            }
            const auto* message = std::get_if<Message>(&entry.fact.what);
            if (!message) continue;
            if (message->seen.reason == Reason::limit_reached || message->seen.reason == Reason::no_address ||
                message->seen.reason == Reason::too_long)
                complain("frame " + std::to_string(entry.frame) + ": " +
                         std::string(sentence(message->seen.reason)));
            if (message->seen.from == Side::inside) look_at_description(*message);
        }
    }

    // If a description leaves with a private address, the peer sends media there in vain.
    void look_at_description(const Message& message) {
        for (const Explained& place : message.seen.places) {
            if (place.kept == rewrite::Kept::changed || place.place != rewrite::Place::sdp_connection)
                continue;
            if (place.offset > message.seen.before.size()) continue;
            const std::string_view text =
                std::string_view(message.seen.before).substr(place.offset, place.length);
            const auto address = Address::parse(text);
            if (!address || !address->is_private() ||
                (place.kept != rewrite::Kept::foreign && place.kept != rewrite::Kept::no_mapping &&
                 place.kept != rewrite::Kept::half))
                continue;
            complain("the description of the phone leaves with the private address " + address->text() +
                     " (" + std::string(sentence(place.kept)) + ")");
        }
    }

    Conversation& conversation_;
    const bool sees_media_;
};

}  // namespace

void judge(Conversation& conversation, bool sees_media) {
    Judge(conversation, sees_media).run();
}

}  // namespace sipalg::explain
