#include "alg/core/discover.hpp"

#include "alg/core/state.hpp"
#include "alg/sip/splitter.hpp"
#include "alg/sip/start_line.hpp"
#include "alg/tls/client_hello.hpp"

namespace sipalg {

namespace {

// A limit, so that SIP to many different ports cannot fill the memory or the log.
constexpr std::size_t most_found = 256;

bool is_response(std::string_view message) {
    return message.substr(sip::skip_line_ends(message), 4) == "SIP/";
}

void found(State& state, const FlowKey& flow, bool served_by_phone, std::vector<Event>& events) {
    const Endpoint& server = served_by_phone ? flow.phone : flow.peer;
    if (state.found.size() == most_found || !state.found.insert({flow.transport, server}).second) return;
    events.push_back({Event::Kind::sip_found, std::string(name(flow.transport)) + " " + server.text(),
                      (served_by_phone ? "used by " + flow.peer.address.text()
                                       : "used by phone " + flow.phone.address.text()) +
                          "; to handle it, set sip-port = " + std::to_string(server.port)});
}

}  // namespace

void watch(State& state, Bytes bytes, Side from, Time now, std::vector<Event>& events) {
    const Arrival arrival(from, bytes);
    if (!arrival.packet) return;
    const auto& packet = arrival.packet;
    const bool outward = from == Side::inside;
    const FlowKey flow = arrival.flow();
    const bool stream = packet->transport == Transport::tcp;
    const tls::ClientHello hello =
        stream ? tls::read_stream(packet->payload) : tls::read_datagram(packet->payload);
    // With fewer bytes the kind of a record is not certain.
    constexpr std::size_t enough = 6;
    if (hello.outcome != tls::ClientHello::Outcome::not_hello && packet->payload.size() >= enough) {
        FlowEntry& entry =
            state.flows.see(flow, from, stream ? FlowKind::tls : FlowKind::dtls, now, Sight::beginnings);
        if (!hello.server_name.empty()) entry.server_name = hello.server_name;
    } else if (sip::classify_datagram(packet->payload) == sip::Kind::message) {
        state.flows.see(flow, from, FlowKind::sip, now, Sight::beginnings).configured = false;
        // The server is the destination of a request and the source of a response.
        found(state, flow, outward == is_response(packet->payload), events);
    }
}

}  // namespace sipalg
