// One call that a phone makes through its provider, message by message.
#pragma once

#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/core/state.hpp"
#include "tests/cases/kernel.hpp"
#include "tests/unit/flow_tracker.hpp"
#include "tests/unit/packets.hpp"

namespace sipalg::test {

inline const Address wan = Address::v4(0xCB007101);

/// Each message goes through inspect(), and its changes to the table.
struct LongCall {
    void say(Side from, const std::string& first, const std::string& cseq, bool described,
             const std::string& tag = "b") {
        const bool out = from == Side::inside;
        const bool request = !first.starts_with("SIP/2.0");
        const std::string host = request && out ? "192.168.1.20" : "203.0.113.1";
        std::string text = first + "\r\nVia: SIP/2.0/UDP " + host + ":5060;branch=z9hG4bK" +
                           cseq.substr(0, 4) + "\r\nFrom: <sip:a@p.test>;tag=a\r\nTo: <sip:b@p.test>" +
                           (first.starts_with("INVITE") ? "" : ";tag=" + tag) + "\r\nCall-ID: " + call_id +
                           "\r\nCSeq: " + cseq + "\r\n";
        const std::string own = out ? "192.168.1.20" : "203.0.113.10";
        if (described)
            text += "Contact: <sip:x@" + own + ":5060>\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n" +
                    "o=- 1 1 IN IP4 " + own + "\r\ns=-\r\nc=IN IP4 " + own +
                    "\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n";
        else
            text += "\r\n";
        const auto bytes = udp_packet(out ? phone : provider, out ? provider : phone, text);
        const Arrival arrival{from, bytes, egress};
        inspect(state, provider_answers ? answering(arrival) : arrival, now, decision);
        kernel.apply(decision.changes, now);
        state.commit();
    }
    void pass(Time time) {
        const Time end = now + time;
        while (state.next_deadline() && *state.next_deadline() <= end) {
            now = std::max(now, *state.next_deadline());
            ++expired;
            expire(state, now, decision);
            for (const Event& event : decision.events)
                events.push_back(event.detail);
            kernel.apply(decision.changes, now);
            state.commit();
        }
        now = end;
        kernel.expire(now);
    }

    std::string call_id = "long";
    Egress egress{wan, wan};
    bool provider_answers = true;  ///< its packets prove that they are answers (X11)
    std::string phone = "192.168.1.20:5060", provider = "203.0.113.10:5060";
    State state{Policy{}};
    TableKernel kernel;
    Decision decision;
    Time now{1'000'000};
    int expired = 0;
    std::vector<std::string> events;
};

}  // namespace sipalg::test
