#include "alg/daemon/control/answers.hpp"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <set>

#include "alg/daemon/config/log.hpp"
#include "alg/daemon/control/limits.hpp"
#include "alg/daemon/control/warnings.hpp"
#include "alg/daemon/run/loop.hpp"
#include "nft/conntrack_settings.hpp"
#include "nft/link.hpp"

namespace sipalg::daemon {

namespace {

template <class Row>
std::vector<Row> with(std::vector<Row> rows, const std::vector<Row>& observed) {
    rows.insert(rows.end(), observed.begin(), observed.end());
    return rows;
}

ClockPair clocks() {
    return {boot_time(), std::chrono::system_clock::now()};
}

Json error(std::string text) {
    return {{"error", std::move(text)}};
}

/// Those for media of calls, which `close` reports.
std::size_t open_for_media(const State& state, Time now) {
    const auto open = report_pinholes(state, now);
    return static_cast<std::size_t>(std::count_if(open.begin(), open.end(), [](const PinholeReport& one) {
        return one.serves == PinholeReport::Serves::media;
    }));
}

std::string ambiguous(const std::string& id, const std::set<std::string>& candidates) {
    constexpr std::size_t most_listed = 8;
    std::string text =
        std::to_string(candidates.size()) + " calls have a Call-ID that begins with '" + id + "': ";
    std::size_t listed = 0;
    for (const std::string& candidate : candidates) {
        if (listed == most_listed) {
            text += " and " + std::to_string(candidates.size() - listed) + " more";
            break;
        }
        text += (listed++ == 0 ? "" : ", ") + candidate;
    }
    return text + "; write more of it";
}

bool wants_ended(const Json& request) {
    return request.contains("ended") && request["ended"] == true;
}

std::string text_field(const Json& request, const char* name) {
    const bool there = request.is_object() && request.contains(name) && request[name].is_string();
    return there ? request[name].get<std::string>() : std::string();
}

}  // namespace

std::string Answers::answer(std::string_view request, const ControlClient& client, Time now) {
    return to_text(document(Json::parse(request, nullptr, false), client, now));
}

std::optional<ControlSocket::Subscription> Answers::subscribe(std::string_view text,
                                                              const ControlClient& client) {
    const Json request = Json::parse(text, nullptr, false);
    if (text_field(request, "command") != "watch") return std::nullopt;
    auto stream = FactStream::of(request);
    // X9: the bytes of messages are for those who may record.
    if (!stream || (stream->wants_bytes() && !from_.access.may_change(client))) return std::nullopt;
    Json outside = Json::array();
    for (const EgressChooser::End& end : from_.network.egress().ends())
        if (end.egress.address) outside.push_back(end.egress.address.text());
    const Json first{{"type", "begin"}, {"version", SIPALG_VERSION}, {"outside", outside}};
    return ControlSocket::Subscription{to_text(first), std::move(*stream)};
}

// The reason why subscribe() has not begun a stream.
Json Answers::refused_stream(const Json& request, const ControlClient& client) {
    const auto stream = FactStream::of(request);
    if (!stream) return error(stream.error());
    if (stream->wants_bytes() && !from_.access.may_change(client))
        return error("permission denied; only root and the members of --admin-group may record");
    return error("too many clients of watch and record (at most " +
                 std::to_string(ControlSocket::most_streams) + ")");
}

Json Answers::document(const Json& request, const ControlClient& client, Time now) {
    const std::string command = text_field(request, "command");
    if (command.empty()) return error("a request is {\"command\": NAME}");
    if (command == "status" || command == "flows") from_.tls_watch.forget_ended();
    if (command == "status") return status(now);
    const bool is_list = command == "calls" || command == "bindings";
    if (is_list && request.contains("most") && request["most"].is_number_unsigned())
        return first_rows(request, request["most"].get<std::size_t>(), now);
    if (command == "calls" && wants_ended(request)) return to_json(from_.engine.history(), clocks());
    if (command == "calls") return to_json(calls(), clocks());
    if (command == "call") return one_call(text_field(request, "id"), now);
    if (command == "pinholes") return to_json(pinholes(now));
    if (command == "bindings") return to_json(bindings(now));
    if (command == "flows") return to_json(report_flows(from_.state, now), clocks());
    if (command == "counters") return to_json(from_.engine.counters());
    if (command == "limits")
        return to_json(limits(from_.state, {from_.control.clients(), from_.control.streams(),
                                            from_.network.egress().cached()}));
    const bool changes = command == "reload" || command == "close";
    if (changes && !from_.access.may_change(client))
        return error("permission denied; only root and the members of --admin-group may " + command);
    if (command == "watch") return refused_stream(request, client);
    if (command == "close") return close(request, now);
    if (command == "reload") return reload();
    return error("unknown command '" + command + "'; sipalgctl may be newer than sipalgd");
}

// A page needs a few rows, and thousands would delay packets.
Json Answers::first_rows(const Json& request, std::size_t most, Time now) {
    const auto document = [&](std::size_t total, Json rows) {
        return Json{{"total", total}, {"rows", std::move(rows)}};
    };
    Observer& observer = from_.engine.observer();
    const State& observed = observer.state();
    if (text_field(request, "command") == "bindings") {
        std::vector<BindingReport> rows =
            with(report_bindings(from_.state, now, most), observer.bindings(now, most));
        rows.resize(std::min(most, rows.size()));
        return document(from_.state.registrations.all().size() + observed.registrations.all().size(),
                        to_json(rows));
    }
    if (wants_ended(request))
        return document(from_.engine.history().rows().size(),
                        to_json(from_.engine.history(), clocks(), most));
    std::vector<CallReport> rows = with(report_newest_calls(from_.state, most), observer.newest_calls(most));
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.started > b.started; });
    rows.resize(std::min(most, rows.size()));
    return document(from_.state.calls.all().size() + observed.calls.all().size(), to_json(rows, clocks()));
}

std::vector<CallReport> Answers::calls() {
    return with(report_calls(from_.state), from_.engine.observer().calls());
}

std::vector<PinholeReport> Answers::pinholes(Time now) {
    return with(report_pinholes(from_.state, now), from_.engine.observer().pinholes(now));
}

std::vector<BindingReport> Answers::bindings(Time now) {
    return with(report_bindings(from_.state, now),
                from_.engine.observer().bindings(now, std::numeric_limits<std::size_t>::max()));
}

// A complete Call-ID takes precedence over Call-IDs that begin with it.
Result<std::vector<CallReport>> Answers::find_calls(const std::string& id) {
    if (id.empty()) return Failure{"the Call-ID is missing"};
    std::vector<CallReport> found = calls();
    std::erase_if(found, [&](const CallReport& call) { return !call.call_id.starts_with(id); });
    const auto exact = [&](const CallReport& call) { return call.call_id == id; };
    if (std::any_of(found.begin(), found.end(), exact))
        std::erase_if(found, [&](const CallReport& call) { return !exact(call); });
    if (found.empty()) return Failure{"no call has a Call-ID that begins with '" + id + "'"};
    std::set<std::string> candidates;
    for (const CallReport& call : found)
        candidates.insert(call.call_id);
    if (candidates.size() > 1) return Failure{ambiguous(id, candidates)};
    return found;
}

Json Answers::one_call(const std::string& id, Time now) {
    const auto found = find_calls(id);
    if (!found) return error(found.error());
    const std::string& call_id = found->front().call_id;
    std::vector<PinholeReport> open = pinholes(now);
    std::erase_if(open, [&](const PinholeReport& pinhole) { return pinhole.call_id != call_id; });
    Json rows = to_json(open);
    add_counts(open, rows);
    return {{"calls",
             to_json(with(report_call(from_.state, call_id, now), from_.engine.observer().call(call_id, now)),
                     clocks())},
            {"pinholes", std::move(rows)}};
}

// The flow is that from the announced port: media from other ports of the peer are not counted.
void Answers::add_counts(const std::vector<PinholeReport>& pinholes, Json& rows) {
    std::vector<ConntrackTuple> flows;
    flows.reserve(pinholes.size());
    for (const PinholeReport& pinhole : pinholes)
        flows.push_back(pinhole.flow.value_or(ConntrackTuple{}));
    std::vector<std::optional<nft::FlowCount>> counts(flows.size());
    try {
        counts = from_.conntrack.counts(flows);
    } catch (const nft::Error& failure) {
        log::debug("cannot count packets of pinholes: {}", failure.what());
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& count = counts[i];
        rows[i]["packets_from_phone"] = count ? Json(count->reply_packets) : Json();
        rows[i]["packets_from_peer"] = count ? Json(count->packets) : Json();
        rows[i]["bytes_from_phone"] = count ? Json(count->reply_bytes) : Json();
        rows[i]["bytes_from_peer"] = count ? Json(count->bytes) : Json();
    }
}

// C7. Calls that are only observed have no media to close.
Json Answers::close(const Json& request, Time now) {
    const bool all = request.contains("all") && request["all"] == true;
    const std::size_t open_before = open_for_media(from_.state, now);
    std::vector<CallReport> chosen;
    std::optional<std::string> call_id;
    if (all) {
        chosen = report_calls(from_.state);
    } else {
        const auto found = find_calls(text_field(request, "id"));
        if (!found) return error(found.error());
        chosen = *found;
        call_id = chosen.front().call_id;
    }
    std::erase_if(chosen, [](const CallReport& call) { return call.observed || call.state == "closing"; });
    const auto is_chosen = [&](const CallKey& key) { return !call_id || key.call_id == *call_id; };
    const std::size_t closed = chosen.empty() ? 0 : from_.engine.close_calls(is_chosen, now);
    if (closed < chosen.size())
        return error("the kernel refused to close some calls; the log has the reason");
    return {{"closed", to_json(chosen, clocks())},
            {"pinholes_closed", open_before - open_for_media(from_.state, now)}};
}

Json Answers::reload() {
    const auto outcome = from_.reload();
    if (!outcome) return error("configuration not changed: " + outcome.error());
    for_restart_ = outcome->for_restart;
    return {{"reloaded", true},
            {"file", outcome->file},
            {"changed", outcome->changed},
            {"needs_restart", outcome->for_restart}};
}

Json Answers::status(Time now) {
    Status status;
    status.pid = getpid();
    status.uptime_s = std::chrono::duration_cast<Seconds>(now - started_).count();
    status.queue_method = nft::name(from_.ruleset.queue_method());
    nft::Settings numbers;
    numbers.queue = from_.options.queue;
    status.watch_queue = numbers.watch_queue();
    status.shifted_queue = numbers.shifted_queue();
    status.sees_streams = from_.ruleset.sees_streams();
    status.flows = from_.state.flows.counts();
    status.ends = from_.network.egress().ends();
    status.inside = from_.network.inside();
    status.accept_places = from_.ruleset.accept_places();
    status.totals = totals(from_.state);
    status.offloading_chains = from_.ruleset.offloading_chains();
    status.source_ports = from_.ruleset.source_ports();
    status.public_ports = from_.options.public_ports;
    status.sip_ports = from_.options.sip_ports;
    status.media_ports_left = from_.state.mappings.media_ports_left();
    status.media_counted = nft::conntrack_counts();
    status.counters = from_.engine.counters();
    status.for_restart = for_restart_;
    status.path_signs = from_.state.path_signs.all();
    status.calls_ended = from_.engine.history().ended();
    const auto add = [&](const Queue& queue) {
        status.latency.add(queue.latency());
        status.queue_overflows += queue.lost_reads();
        status.refused_verdicts += queue.refused_verdicts();
        status.lost_verdicts += queue.lost_verdicts();
    };
    for (const Queue* queue : from_.packets.queues())
        add(*queue);
    add(from_.tls_watch.queue());
    status.warnings = warnings(status);
    return to_json(from_.options, status);
}

}  // namespace sipalg::daemon
