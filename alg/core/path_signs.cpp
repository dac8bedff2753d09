#include "alg/core/path_signs.hpp"

#include <algorithm>
#include <charconv>

#include "alg/core/inspect_message.hpp"
#include "alg/core/state.hpp"
#include "alg/sip/name_addr.hpp"
#include "alg/sip/uri.hpp"

namespace sipalg {

namespace {

constexpr std::size_t longest_text = 128;

std::string_view cut(std::string_view text) {
    return text.substr(0, longest_text);
}

const call::Call* answered_call(const State& state, const Envelope& envelope) {
    const sip::Message& message = state.message;
    const call::Call* call = state.calls.find(message.call_id(), envelope.destination.address);
    if (!call || call->caller != Side::inside || message.method() != sip::Method::invite) return nullptr;
    const auto& sent = call->invite.transactions;
    const bool matches = std::any_of(sent.begin(), sent.end(), [&](const call::Transaction& one) {
        return one.branch == message.top_via().branch;
    });
    return matches ? call : nullptr;
}

// The address and port of the router in the packets of this flow, as messages say them.
Endpoint left_as(const State& state, const Envelope& envelope) {
    const nat::MappingEntry* entry = state.mappings.find(
        nat::MappingKey{{envelope.transport, envelope.destination}, envelope.egress.address});
    return entry ? entry->public_endpoint() : Endpoint{envelope.egress.advertised, 0};
}

bool is_ours(const Address& address, const Envelope& envelope) {
    return address == envelope.destination.address || address == envelope.egress.address ||
           address == envelope.egress.advertised;
}

// An address that a device on the way has put into the Via. Names prove nothing.
std::optional<PathSign> sign_in_via(const State& state, const Envelope& envelope) {
    const sip::Via& via = state.message.top_via();
    const Endpoint left = left_as(state, envelope);
    if (via.sent_by.address && !is_ours(*via.sent_by.address, envelope)) {
        const Endpoint echoed{*via.sent_by.address, via.sent_by.port.value_or(5060)};
        // C11: the request may have left before the router's address changed.
        if (!state.mappings.find_named({envelope.transport, echoed}))
            return PathSign{PathSign::Kind::message, "Via " + left.text(), "Via " + echoed.text()};
    }
    std::uint16_t port = left.port;
    if (via.rport) std::from_chars(via.rport->data(), via.rport->data() + via.rport->size(), port);
    const auto received = via.received ? Address::parse(*via.received) : std::nullopt;
    if (received && received->family() == left.address.family() && !is_ours(*received, envelope))
        return PathSign{PathSign::Kind::address, left.text(), Endpoint{*received, port}.text()};
    if (left.port != 0 && port != 0 && port != left.port)
        return PathSign{PathSign::Kind::port, left.text(), Endpoint{left.address, port}.text()};
    return std::nullopt;
}

std::optional<PathSign> sign_in_from(const call::Call& call, const State& state, const Envelope& envelope) {
    const sip::Header* header = state.message.first(sip::HeaderId::from);
    std::string_view rest = header ? header->value : std::string_view();
    const auto entry = sip::next_name_addr(rest);
    if (!entry || call.from.empty()) return std::nullopt;
    const std::string_view echoed = cut(entry->uri);
    const auto own = sip::literal_host(call.from);  // translated if it is the phone's
    if (echoed == cut(call.from) || (own && own->host_port.address == envelope.destination.address))
        return std::nullopt;
    const auto shown = [](std::string_view uri) { return std::string("From ").append(uri); };
    return PathSign{PathSign::Kind::message, shown(cut(call.from)), shown(echoed)};
}

}  // namespace

std::string_view word(PathSign::Kind kind) {
    switch (kind) {
        case PathSign::Kind::port: return "port";
        case PathSign::Kind::address: return "address";
        case PathSign::Kind::message: return "message";
    }
    return "";
}

void PathSigns::note(const Address& peer, const std::optional<PathSign>& sign) {
    if (!sign)
        signs_.erase(peer);
    else if (signs_.size() < most || signs_.contains(peer))
        signs_.insert_or_assign(peer, *sign);
}

void note_path_sign(State& state, const Envelope& envelope, Time now) {
    const sip::Message& message = state.message;
    if (envelope.from != Side::outside || message.is_request() || message.status() < 180) return;
    const Address &phone = envelope.destination.address, &peer = envelope.source.address;
    const call::Call* call = answered_call(state, envelope);
    const bool registers =
        message.method() == sip::Method::register_ && state.registrations.answered(message, phone, peer, now);
    if (!call && !registers) return;
    std::optional<PathSign> sign = sign_in_via(state, envelope);
    if (!sign && call) sign = sign_in_from(*call, state, envelope);
    if (sign || !state.path_signs.all().empty()) state.path_signs.note(peer, sign);
}

}  // namespace sipalg
