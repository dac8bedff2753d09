#include "alg/daemon/control/json.hpp"

#include <ctime>

namespace sipalg::daemon {

namespace {

// Empty if there is no address yet.
std::string text(const Endpoint& endpoint) {
    return endpoint.address ? endpoint.text() : std::string();
}

std::string calendar(Time time, const ClockPair& clocks) {
    return utc(clocks.wall -
               std::chrono::duration_cast<std::chrono::system_clock::duration>(clocks.boot - time));
}

const char* word(nft::AcceptPlace::State state) {
    switch (state) {
        case nft::AcceptPlace::State::accepting: return "accepting";
        case nft::AcceptPlace::State::needless: return "needless";
        case nft::AcceptPlace::State::absent: return "absent";
        case nft::AcceptPlace::State::refused: return "refused";
    }
    return "";
}

// Buckets are not cumulative; the last has no upper end.
Json to_json(const Latency& latency) {
    Json buckets = Json::array();
    for (std::size_t i = 0; i < latency.counts().size(); ++i)
        buckets.push_back(
            {{"up_to_us", i < Latency::bounds.size() ? Json(Latency::bounds[i].count()) : Json()},
             {"packets", latency.counts()[i]}});
    return {{"sum_us", std::chrono::duration_cast<Latency::Duration>(latency.sum()).count()},
            {"buckets", std::move(buckets)}};
}

Json to_json(const std::map<Address, PathSign>& signs) {
    Json rows = Json::array();
    for (const auto& [peer, sign] : signs)
        rows.push_back(
            {{"peer", peer.text()}, {"changed", word(sign.kind)}, {"left", sign.left}, {"seen", sign.seen}});
    return rows;
}

Json or_null(std::string_view text) {
    return text.empty() ? Json() : Json(text);
}

const char* treatment(bool unmodified) {
    return unmodified ? "untouched" : "rewritten";
}

}  // namespace

namespace {

Json row_of(const CallReport& call, const ClockPair& clocks) {
    Json media = Json::array();
    for (const MediaReport& stream : call.media)
        media.push_back({{"type", stream.type},
                         {"public", text(stream.public_endpoint)},
                         {"inside", text(stream.inside)},
                         {"remote", stream.remote},
                         {"state", stream.state},
                         {"silent", or_null(stream.silent)}});
    return {{"call_id", call.call_id},
            {"state", call.state},
            {"direction", call.direction},
            {"from", call.from},
            {"to", call.to},
            {"phone", call.phone},
            {"peer", call.peer},
            {"started", calendar(call.started, clocks)},
            {"treatment", treatment(call.unmodified)},
            {"observed", call.observed},
            {"unchanged", or_null(word(call.why))},
            {"unchanged_why", or_null(sentence(call.why))},
            {"media", std::move(media)}};
}

Json row_of(const TimerReport& timer) {
    const bool has_reason = timer.ends == TimerReport::Ends::call || timer.ends == TimerReport::Ends::dialog;
    return {{"in_s", timer.in_s},
            {"ends", word(timer.ends)},
            {"reason", has_reason ? Json(word(timer.why)) : Json()},
            {"text", sentence(timer)}};
}

Json row_of(const LadderStep& step) {
    const std::string_view method = sip::name(step.method);
    const std::string name(method.empty() ? "unknown method" : method);
    Json changed = Json::array();
    for (unsigned i = 0; i < static_cast<unsigned>(rewrite::Place::count_); ++i)
        if (const auto place = static_cast<rewrite::Place>(i); step.has_changed(place))
            changed.push_back(rewrite::name(place));
    return {{"after_ms", step.after_ms},
            {"from", step.from == Side::inside ? "inside" : "outside"},
            {"title", step.status == 0 ? name : std::to_string(step.status) + " " + name},
            {"reason", word(step.reason)},
            {"changed", std::move(changed)}};
}

}  // namespace

Json to_json(const std::vector<CallReport>& calls, const ClockPair& clocks) {
    Json rows = Json::array();
    for (const CallReport& call : calls)
        rows.push_back(row_of(call, clocks));
    return rows;
}

Json to_json(const std::vector<CallDetail>& legs, const ClockPair& clocks) {
    Json rows = Json::array();
    for (const CallDetail& leg : legs) {
        Json row = row_of(leg.call, clocks);
        row["timers"] = Json::array();
        for (const TimerReport& timer : leg.timers)
            row["timers"].push_back(row_of(timer));
        row["ladder"] = Json::array();
        for (const LadderStep& step : leg.ladder)
            row["ladder"].push_back(row_of(step));
        row["ladder_left_out"] = leg.left_out;
        rows.push_back(std::move(row));
    }
    return rows;
}

Json to_json(const History& history, const ClockPair& clocks, std::size_t most) {
    Json rows = Json::array();
    for (auto row = history.rows().rbegin(); row != history.rows().rend() && rows.size() < most; ++row) {
        const EndedCall& call = row->call;
        Json media = Json::array();
        for (const EndedMedia& stream : call.media) {
            const bool exact = stream.known == EndedMedia::Known::packets;
            media.push_back({{"type", stream.type},
                             {"packets_from_phone", exact ? Json(stream.sent) : Json()},
                             {"packets_from_peer", exact ? Json(stream.received) : Json()}});
        }
        const bool answered = call.answered != Time{0};
        const std::string_view from = media_from(call);
        rows.push_back(
            {{"call_id", call.call_id},
             {"state", "ended"},
             {"direction", call.outgoing ? "out" : "in"},
             {"from", call.from},
             {"to", call.to},
             {"phone", call.phone.text()},
             {"peer", call.peer ? call.peer.text() : std::string()},
             {"started", calendar(call.started, clocks)},
             {"answered", answered ? Json(calendar(call.answered, clocks)) : Json()},
             {"ended", calendar(call.ended, clocks)},
             {"duration_s",
              answered ? std::chrono::duration_cast<Seconds>(call.ended - call.answered).count() : 0},
             {"reason", word(call.why)},
             {"why", sentence(call.why)},
             {"media_from", or_null(from)},
             {"media", std::move(media)},
             {"observed", row->observed}});
    }
    return rows;
}

Json to_json(const std::vector<PinholeReport>& pinholes) {
    Json rows = Json::array();
    for (const PinholeReport& pinhole : pinholes)
        rows.push_back({{"proto", name(pinhole.transport)},
                        {"public", text(pinhole.public_endpoint)},
                        {"inside", text(pinhole.inside)},
                        {"remote", pinhole.remote},
                        {"media", pinhole.media},
                        {"component", pinhole.component},
                        {"call_id", pinhole.call_id},
                        {"state", pinhole.state},
                        {"expires_s", pinhole.expires_s},
                        {"serves", word(pinhole.serves)},
                        {"observed", pinhole.observed}});
    return rows;
}

Json to_json(const std::vector<BindingReport>& bindings) {
    Json rows = Json::array();
    for (const BindingReport& binding : bindings)
        rows.push_back({{"proto", name(binding.transport)},
                        {"public", text(binding.public_endpoint)},
                        {"inside", text(binding.inside)},
                        {"aor", binding.aor},
                        {"registrar", binding.registrar},
                        {"expires_s", binding.expires_s},
                        {"treatment", treatment(binding.unmodified)},
                        {"unchanged", or_null(word(binding.why))},
                        {"unchanged_why", or_null(sentence(binding.why))},
                        {"observed", binding.observed}});
    return rows;
}

Json to_json(const std::vector<FlowReport>& flows, const ClockPair& clocks) {
    Json rows = Json::array();
    for (const FlowReport& flow : flows) {
        Json row{{"proto", name(flow.transport)},
                 {"phone", text(flow.phone)},
                 {"peer", text(flow.peer)},
                 {"opened_by", flow.opened_by},
                 {"kind", flow.kind},
                 {"sni", or_null(flow.sni)},
                 {"treatment", flow.treatment},
                 {"configured", flow.configured},
                 {"started", calendar(flow.started, clocks)},
                 {"idle_s", flow.idle_s},
                 {"packets", flow.outward + flow.inward},
                 {"packets_out", flow.outward},
                 {"packets_in", flow.inward}};
        if (flow.transport == Transport::tcp) {
            row["grown_out"] = flow.grown_outward;
            row["grown_in"] = flow.grown_inward;
            row["held"] = flow.held;
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

Json to_json(const Counters& counters) {
    Json object = Json::object();
    for (std::size_t i = 0; i < counters.size(); ++i)
        object[std::string(word(static_cast<Reason>(i)))] = counters[i];
    return object;
}

Json to_json(const Options& options, const Status& status) {
    Json outside = Json::array();
    Json addresses = Json::array();
    for (const auto& end : status.ends) {
        outside.push_back(end.interface);
        if (end.egress.address)
            addresses.push_back({{"interface", end.interface},
                                 {"address", end.egress.address.text()},
                                 {"advertised", end.egress.advertised.text()}});
    }
    Json flows = Json::object();
    for (std::size_t i = 0; i < status.flows.size(); ++i)
        flows[std::string(word(static_cast<FlowKind>(i)))] = status.flows[i];
    Json ended = Json::object();
    for (std::size_t i = 0; i < status.calls_ended.size(); ++i)
        ended[std::string(word(static_cast<EndReason>(i)))] = status.calls_ended[i];
    Json accept_in = Json::array(), accept_chains = Json::array();
    for (const nft::AcceptPlace& place : status.accept_places) {
        const std::string chain = nft::describe(place.place);
        if (place.state == nft::AcceptPlace::State::accepting) accept_in.push_back(chain);
        accept_chains.push_back({{"chain", chain}, {"state", word(place.state)}, {"reason", place.reason}});
    }
    Json public_ports = Json::array();
    for (const PortRange& range : options.public_ports)
        public_ports.push_back(range.text());
    return {{"serving", true},
            {"warnings", status.warnings},
            {"version", SIPALG_VERSION},
            {"pid", status.pid},
            {"uptime_s", status.uptime_s},
            {"queue", options.queue},
            {"queues", 1},
            {"queue_method", status.queue_method},
            {"watch_queue", status.watch_queue},
            {"shifted_queue", status.shifted_queue},
            {"table", options.table},
            {"outside", std::move(outside)},
            {"inside", status.inside},
            {"addresses", std::move(addresses)},
            {"accept_in", std::move(accept_in)},
            {"accept_chains", std::move(accept_chains)},
            {"sip_ports", options.sip_ports},
            {"tls_ports", options.tls_ports},
            {"find_sip", options.find_sip},
            {"sees_streams", status.sees_streams},
            {"media_ports", PortRange{options.media_low, options.media_high}.text()},
            {"public_ports", std::move(public_ports)},
            {"mode", word(options.treatments.mode)},
            {"log_level", name(options.log_level)},
            {"calls", status.totals.calls},
            {"bindings", status.totals.bindings},
            {"mappings", status.totals.mappings},
            {"pinholes", status.totals.pinholes},
            {"flows", std::move(flows)},
            {"media_counted", status.media_counted},
            {"queue_overflows", status.queue_overflows},
            {"refused_verdicts", status.refused_verdicts},
            {"lost_verdicts", status.lost_verdicts},
            {"calls_ended", std::move(ended)},
            {"path_signs", to_json(status.path_signs)},
            {"latency", to_json(status.latency)},
            {"counters", to_json(status.counters)}};
}

std::string to_text(const Json& document) {
    return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string utc(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

}  // namespace sipalg::daemon
