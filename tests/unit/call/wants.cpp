// What a call wants open in each state of its negotiation; the flows of messages are in tests/cases.
#include "alg/call/wants.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace sipalg::call {

namespace {

const Address phone = Address::v4(0xC0A8010A);
const Address server = Address::v4(0xCB00710A), media = Address::v4(0xCB00710B),
              moved = Address::v4(0xCB00710C);

Stream stream(const Address& host, std::uint16_t port) {
    Stream s;
    s.type = "audio";
    s.rtp = {host, port};
    s.rtcp = {host, static_cast<std::uint16_t>(port + 1)};
    return s;
}

/// The lines of one description, numbered.
Session numbered(Session session) {
    for (std::size_t i = 0; i < session.size(); ++i)
        session[i].line = static_cast<std::uint8_t>(i);
    return session;
}

Call outgoing(Session offer) {
    Call call;
    call.contact = {Transport::udp, {phone, 5060}};
    call.peers = {{server, true, true}};
    call.initial = Offer{Side::inside, sip::Method::invite, 1, numbered(std::move(offer))};
    return call;
}

// To be changed by a test, which owns it alone.
Session& change(SharedSession& session) {
    session = Session(*session);
    return const_cast<Session&>(*session);
}

Dialog& answered(Call& call, Session remote, Dialog::State state = Dialog::State::confirmed) {
    Dialog dialog;
    dialog.state = state;
    dialog.local = call.initial->session;
    dialog.remote = numbered(std::move(remote));
    call.dialogs.push_back(std::move(dialog));
    if (state == Dialog::State::confirmed) call.state = Call::State::confirmed;
    return call.dialogs.back();
}

// "16000<203.0.113.11" for each pinhole, "16000" for an endpoint without one.
std::string open(const Call& call, MediaSource source = MediaSource::negotiated) {
    std::vector<std::string> rows;
    for (const Want& want : wanted(call, source)) {
        const std::string port = std::to_string(want.inside.endpoint.port);
        if (want.pinholes.empty()) rows.push_back(port);
        for (const CallPinhole& pin : want.pinholes)
            rows.push_back(port + (pin.early ? "~" : "<") +
                           (pin.pinhole.remote ? pin.pinhole.remote.text().substr(5) : "*"));
        if (want.latch) rows.push_back(port + "?");
    }
    std::sort(rows.begin(), rows.end());
    std::string text;
    for (const std::string& row : rows)
        text += (text.empty() ? "" : " ") + row;
    return text;
}

}  // namespace

TEST_CASE("C2 an offer lets in the signalling peer, and the answer lets in the address that it names") {
    Call call = outgoing({stream(phone, 16000)});
    CHECK(open(call) == "16000~.113.10 16001~.113.10 5060<.113.10");
    answered(call, {stream(media, 30000)});
    CHECK(open(call) == "16000<.113.11 16001<.113.11 5060<.113.10");
    call.dialogs[0].state = Dialog::State::ended;
    CHECK(open(call) == "5060<.113.10");
}

TEST_CASE("C3 while the call rings, the first offer's ports are kept for every fork") {
    Call call = outgoing({stream(phone, 16000), stream(phone, 16002)});
    Stream none;
    none.rejected = true;
    answered(call, {stream(media, 30000), none}, Dialog::State::early);
    CHECK(open(call) == "16000<.113.11 16001<.113.11 16002 16003 5060<.113.10");
    answered(call, {stream(moved, 30000), none});
    CHECK(open(call) == "16000<.113.11 16000<.113.12 16001<.113.11 16001<.113.12 5060<.113.10");
}

TEST_CASE(
    "D1 D7 further endpoints and alternative descriptions of a line are open to all sources of the line") {
    Stream offered = stream(phone, 16000);
    offered.further = {{{Transport::udp, {phone, 17000}}, false}};
    Stream alternative = stream(phone, 18000);
    alternative.rtcp = {};
    Call call = outgoing({offered});
    change(call.initial->session).push_back(alternative);  // of line 0 as well
    Stream remote = stream(media, 30000);
    remote.further = {{{Transport::udp, {moved, 40000}}, false}};
    answered(call, {remote});
    CHECK(open(call) ==
          "16000<.113.11 16000<.113.12 16001<.113.11 16001<.113.12 17000<.113.11 17000<.113.12 "
          "18000<.113.11 18000<.113.12 5060<.113.10");
}

TEST_CASE("D5 a bundle that both sides have agreed to needs only the endpoint of its first line") {
    Stream video = stream(phone, 16002);
    video.bundled = true;
    Call call = outgoing({stream(phone, 16000), video});
    Stream peer = stream(media, 30000);
    SUBCASE("agreed") {
        peer.bundled = true;
        answered(call, {stream(media, 30000), peer});
        CHECK(open(call) == "16000<.113.11 16001<.113.11 5060<.113.10");
    }
    SUBCASE("not taken up") {
        answered(call, {stream(media, 30000), peer});
        CHECK(open(call) == "16000<.113.11 16001<.113.11 16002<.113.11 16003<.113.11 5060<.113.10");
    }
}

TEST_CASE("X3 an INVITE from outside opens nothing until the phone responds") {
    Call call = outgoing({});
    call.caller = Side::outside;
    call.initial = Offer{Side::outside, sip::Method::invite, 1, Session{stream(media, 30000)}};
    CHECK(open(call).empty());
    call.dialogs.emplace_back();
    CHECK(open(call) == "5060<.113.10");
}

TEST_CASE("C4 old and new media are open at the same time; both sides may have a pending offer") {
    Call call = outgoing({stream(phone, 16000)});
    Dialog& dialog = answered(call, {stream(media, 30000)});
    dialog.offers[Side::inside] = Offer{Side::inside, sip::Method::invite, 2, Session{stream(phone, 17000)}};
    CHECK(open(call) == "16000<.113.11 16001<.113.11 17000<.113.11 17001<.113.11 5060<.113.10");
    dialog.offers[Side::outside] =
        Offer{Side::outside, sip::Method::invite, 2, Session{stream(moved, 30000)}};
    CHECK(open(call) ==
          "16000<.113.11 16000<.113.12 16001<.113.11 16001<.113.12 17000<.113.11 17000<.113.12 17001<.113.11 "
          "17001<.113.12 5060<.113.10");
}

TEST_CASE("C2 a stream that is not in the last answer opens like one in a first offer") {
    Call call = outgoing({stream(phone, 16000)});
    Dialog& dialog = answered(call, {stream(media, 30000)});
    dialog.offers[Side::inside] =
        Offer{Side::inside, sip::Method::invite, 2, numbered({stream(phone, 16000), stream(phone, 16002)})};
    CHECK(open(call) == "16000<.113.11 16001<.113.11 16002~.113.10 16003~.113.10 5060<.113.10");
}

TEST_CASE("D3 C9 X2 streams on hold, within the LAN, or to forbidden addresses only keep their mapping") {
    Call call = outgoing({stream(phone, 16000)});
    Dialog& dialog = answered(call, {stream(media, 30000)});
    SUBCASE("held by the phone") {
        change(dialog.local)[0].on_hold = true;
    }
    SUBCASE("held by the peer") {
        change(dialog.remote)[0].on_hold = true;
    }
    SUBCASE("the peer is an inside phone") {
        change(dialog.remote)[0].hairpin = true;
    }
    SUBCASE("the peer's address may not be used") {
        change(dialog.remote)[0].rtp = {};
    }
    CHECK(open(call) == "16000 16001 5060<.113.10");
}

TEST_CASE("D3 D5 rtcp-mux closes the RTCP port when both sides accept it; a rejected stream closes") {
    Call call = outgoing({stream(phone, 16000)});
    Dialog& dialog = answered(call, {stream(media, 30000)});
    change(dialog.local)[0].rtcp_mux = true;
    CHECK(open(call) == "16000<.113.11 16001<.113.11 5060<.113.10");
    change(dialog.remote)[0].rtcp_mux = true;
    CHECK(open(call) == "16000<.113.11 16001 5060<.113.10");
    change(dialog.remote)[0] = {};
    change(dialog.remote)[0].rejected = true;
    CHECK(open(call) == "5060<.113.10");
}

TEST_CASE("C6 a call is on hold when none of its streams has to carry media") {
    Call call = outgoing({stream(phone, 16000), stream(phone, 16002)});
    Dialog& dialog = answered(call, {stream(media, 30000), stream(media, 30002)});
    CHECK_FALSE(call.on_hold());
    change(dialog.local)[0].one_way = true;
    CHECK_FALSE(call.on_hold());
    change(dialog.local)[1].on_hold = true;
    CHECK(call.on_hold());
    change(dialog.local)[1].on_hold = false;
    for (Stream& s : change(dialog.remote))
        s.hairpin = true;
    CHECK(call.on_hold());
}

TEST_CASE("C5 a latch opens at RTP once there is an answer; RTCP follows the latched source") {
    Call call = outgoing({stream(phone, 16000)});
    CHECK(open(call, MediaSource::latch) == "16000~.113.10 16001~.113.10 5060<.113.10");
    answered(call, {stream(media, 30000)});
    CHECK(open(call, MediaSource::latch) == "16000<.113.11 16000? 16001<.113.11 5060<.113.10");
    call.latched.push_back({{Transport::udp, {phone, 16000}}, *Address::parse("203.0.113.77")});
    CHECK(open(call, MediaSource::latch) ==
          "16000<.113.11 16000<.113.77 16000? 16001<.113.11 16001<.113.77 5060<.113.10");
    CHECK(open(call) == "16000<.113.11 16001<.113.11 5060<.113.10");
    change(call.dialogs[0].remote).front().on_hold = true;
    CHECK(open(call, MediaSource::latch) == "16000 16001 5060<.113.10");
}

TEST_CASE("C5 any lets in all sources from the offer on, but not to streams on hold or signalling") {
    Call call = outgoing({stream(phone, 16000)});
    CHECK(open(call, MediaSource::any) == "16000~* 16000~.113.10 16001~* 16001~.113.10 5060<.113.10");
    answered(call, {stream(media, 30000)});
    CHECK(open(call, MediaSource::any) == "16000<* 16000<.113.11 16001<* 16001<.113.11 5060<.113.10");
    change(call.dialogs[0].local).front().on_hold = true;
    CHECK(open(call, MediaSource::any) == "16000 16001 5060<.113.10");
}

}  // namespace sipalg::call
