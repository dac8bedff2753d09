#include "alg/call/new_call.hpp"

#include <cstddef>
#include <string_view>
#include <utility>

#include "alg/policy/timing.hpp"
#include "alg/sip/name_addr.hpp"

namespace sipalg::call {

namespace {

constexpr std::size_t max_shown = 128;  // bytes of a URI in reports

std::string_view shown(std::string_view uri) {
    return uri.substr(0, max_shown);
}

std::string_view uri_of(const sip::Header* header) {
    if (!header) return {};
    std::string_view rest = header->value;
    const auto entry = sip::next_name_addr(rest);
    return entry ? entry->uri : std::string_view{};
}

}  // namespace

Call new_call(const DescribedMessage& received) {
    const sip::Message& message = received.message;
    Call call;
    call.caller = received.from;
    call.unmodified = received.unmodified;
    call.caller_tag = message.from_tag();
    call.from = shown(uri_of(message.first(sip::HeaderId::from)));
    call.to = shown(uri_of(message.first(sip::HeaderId::to)));
    call.egress = received.egress;
    call.contact = received.contact;
    call.peers.push_back({received.peer});
    call.started = call.active = received.now;
    call.ringing_until = received.now + ringing_time;
    if (!message.to_tag().empty()) {
        Dialog dialog;
        dialog.local_tag = received.local_tag();
        dialog.remote_tag = received.remote_tag();
        dialog.state = Dialog::State::confirmed;
        call.dialogs.push_back(std::move(dialog));
        call.state = Call::State::confirmed;
    }
    return call;
}

}  // namespace sipalg::call
