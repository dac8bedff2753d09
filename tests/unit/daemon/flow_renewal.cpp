#include "alg/daemon/run/flow_renewal.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

Endpoint at(const char* text) {
    return *Endpoint::parse(text);
}

// A phone's flow through source NAT that saw a reply.
ConntrackEntry flow_of(const char* phone, const char* peer, const char* outside) {
    ConntrackEntry flow;
    flow.original_source = at(phone);
    flow.original_destination = flow.reply_source = at(peer);
    flow.reply_destination = at(outside);
    flow.replied = true;
    return flow;
}

FlowRenewal renewal(const std::vector<StoredElement>& stored = {}, bool adopt = true) {
    return {{5060},
            {*Address::parse("192.168.1.1"), *Address::parse("203.0.113.2")},
            [](const Address& address) { return !address.is_v4() || (address.v4_value() >> 24) != 192; },
            stored,
            adopt};
}

const char *phone = "192.168.1.10:5060", *peer = "198.51.100.5:5060", *outside = "203.0.113.2:5060";
const Mapping mapping{Transport::udp, at(phone), at(outside)};
const Diversion diversion{Transport::udp, at(phone)};
const ConntrackTuple tuple{Transport::udp, at(phone), at(peer)};

std::vector<Element> elements(const std::vector<Change>& changes) {
    std::vector<Element> all;
    for (const Change& change : changes) {
        CHECK(change.op == Change::Op::add);
        CHECK(change.timeout == FlowRenewal::adopted_for);
        all.push_back(change.element);
    }
    return all;
}

}  // namespace

TEST_CASE("C12 A8 a flow that is older than its helper gets mapping, diversion and pinhole, then it ends") {
    FlowRenewal flows = renewal();
    flows.entry(flow_of(phone, peer, outside));
    flows.entry(flow_of(phone, "198.51.100.6:5060", outside));
    CHECK(elements(flows.adopted()) == std::vector<Element>{mapping, diversion});
    CHECK(elements(flows.pinholes()) ==
          std::vector<Element>{Pinhole{Transport::udp, at(peer).address, at(outside)},
                               Pinhole{Transport::udp, *Address::parse("198.51.100.6"), at(outside)}});
    REQUIRE(flows.to_erase().size() == 2);
    CHECK(flows.to_erase().front() == tuple);
    CHECK(flows.left() == 0);
}

TEST_CASE("A8 a flow that a peer began is renewed like one of the phone") {
    ConntrackEntry flow;
    flow.original_source = flow.reply_destination = at(peer);
    flow.original_destination = at(outside);
    flow.reply_source = at(phone);
    flow.replied = true;
    FlowRenewal flows = renewal();
    flows.entry(flow);
    CHECK(elements(flows.adopted()) == std::vector<Element>{mapping, diversion});
    CHECK(flows.to_erase() == std::vector<ConntrackTuple>{{Transport::udp, at(peer), at(outside)}});
}

TEST_CASE("A8 flows that have a helper, or are not signalling between inside and outside, stay as they are") {
    FlowRenewal flows = renewal();
    ConntrackEntry helped = flow_of(phone, peer, outside);
    helped.has_helper = true;
    flows.entry(helped);
    flows.entry(flow_of("192.168.1.10:9000", "198.51.100.5:53", "203.0.113.2:9000"));
    flows.entry(flow_of(phone, "192.168.2.9:5060", phone));              // between two inside networks
    flows.entry(flow_of("203.0.113.2:5060", peer, "203.0.113.2:5060"));  // the router's own
    CHECK(flows.adopted().empty());
    CHECK(flows.to_erase().empty());
    CHECK(flows.left() == 0);
}

TEST_CASE("A8 C12 a flow without a reply ends and gets nothing") {
    ConntrackEntry flow = flow_of(phone, peer, outside);
    flow.replied = false;
    FlowRenewal flows = renewal();
    flows.entry(flow);
    CHECK(flows.adopted().empty());
    CHECK(flows.pinholes().empty());
    CHECK(flows.to_erase() == std::vector<ConntrackTuple>{tuple});
}

TEST_CASE("A8 a serving daemon ends only flows with a known mapping, and adopts none") {
    FlowRenewal flows = renewal({{mapping, Seconds{60}}, {diversion, Seconds{60}}}, false);
    flows.entry(flow_of(phone, peer, outside));
    flows.entry(flow_of("192.168.1.11:5060", peer, "203.0.113.2:5070"));
    CHECK(flows.adopted().empty());
    CHECK(flows.to_erase() == std::vector<ConntrackTuple>{tuple});
    CHECK(flows.left() == 1);
}

TEST_CASE("A8 X2 TCP connections and flows at a forbidden or a used port are only counted") {
    FlowRenewal flows = renewal({{mapping, Seconds{60}}});
    ConntrackEntry connection = flow_of(phone, peer, outside);
    connection.transport = Transport::tcp;
    flows.entry(connection);
    flows.entry(flow_of("192.168.1.11:5060", peer, outside));
    flows.entry(flow_of("192.168.1.11:5060", peer, "203.0.113.2:1023"));
    flows.entry(flow_of("192.168.1.11:5060", peer, "203.0.113.2:3389"));
    flows.entry(flow_of("192.168.1.11:5900", peer, "203.0.113.2:5070"));
    CHECK(flows.adopted().empty());
    CHECK(flows.to_erase().empty());
    CHECK(flows.left() == 5);
}

TEST_CASE("A8 N2 without translation there is a diversion and a pinhole to the phone's own address") {
    const char *phone6 = "[2001:db8:1::10]:5060", *peer6 = "[2001:db8:2::5]:5060";
    FlowRenewal flows(
        {5060}, {}, [](const Address& a) { return a == at("[2001:db8:2::5]:5060").address; }, {}, true);
    flows.entry(flow_of(phone6, peer6, phone6));
    CHECK(elements(flows.adopted()) == std::vector<Element>{Diversion{Transport::udp, at(phone6)}});
    CHECK(elements(flows.pinholes()) ==
          std::vector<Element>{Pinhole{Transport::udp, at(peer6).address, at(phone6)}});
    CHECK(flows.to_erase().size() == 1);
}
