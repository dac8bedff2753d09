#include "alg/daemon/control/fact_stream.hpp"

#include <chrono>

namespace sipalg::daemon {

namespace {

bool is_set(const Json& request, const char* name) {
    return request.contains(name) && request[name].is_boolean() && request[name].get<bool>();
}

double wall_time(Time at, const ClockPair& clocks) {
    const auto wall = clocks.wall + (at - clocks.boot);
    return static_cast<double>(
               std::chrono::duration_cast<std::chrono::milliseconds>(wall.time_since_epoch()).count()) /
           1000.0;
}

}  // namespace

Result<FactStream> FactStream::of(const Json& request) {
    FactStream stream;
    stream.options_.bytes = is_set(request, "bytes");
    stream.options_.credentials = is_set(request, "credentials");
    if (is_set(request, "events")) stream.interest_ = facts::Interest::events;
    if (request.contains("call") && request["call"].is_string())
        stream.call_ = request["call"].get<std::string>();
    if (request.contains("phone")) {
        const Json& phone = request["phone"];
        stream.phone_ = phone.is_string() ? Address::parse(phone.get<std::string>()) : std::nullopt;
        if (!stream.phone_) return Failure{"the phone is not an address (expected for example 192.168.1.10)"};
    }
    return stream;
}

bool FactStream::wants(const facts::Fact& fact) {
    if (interest_ == facts::Interest::events && !std::holds_alternative<Event>(fact.what)) return false;
    if (const auto* message = std::get_if<facts::Message>(&fact.what)) {
        if (phone_ && message->seen.phone.address != *phone_) return false;
        if (!call_.empty() && (message->call_id.empty() || !wants_call(message->call_id))) return false;
        if (phone_ && call_ids_.size() < most_call_ids) call_ids_.insert(message->call_id);
        return true;
    }
    if (const auto* change = std::get_if<facts::PinholeChange>(&fact.what))
        return wants_call(change->call_id) && (!phone_ || change->phone == *phone_);
    const std::string& subject = std::get<Event>(fact.what).subject;
    return wants_call(subject) && (!phone_ || call_ids_.contains(subject));
}

std::string FactStream::line(const facts::Fact& fact, const ClockPair& clocks) {
    if (!wants(fact)) return {};
    Json json{{"time", wall_time(fact.at, clocks)}};
    json.update(facts::to_json(fact, options_));
    return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace sipalg::daemon
