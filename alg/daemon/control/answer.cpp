// What sipalgctl is told.
#include <unistd.h>

#include "alg/daemon/run/daemon.hpp"
#include "nft/conntrack_settings.hpp"

namespace sipalg::daemon {

namespace {

template <class Row>
std::vector<Row> with(std::vector<Row> rows, const std::vector<Row>& observed) {
    rows.insert(rows.end(), observed.begin(), observed.end());
    return rows;
}

}  // namespace

std::string Daemon::answer(std::string_view request) {
    const Json parsed = Json::parse(request, nullptr, false);
    const bool has_command =
        parsed.is_object() && parsed.contains("command") && parsed["command"].is_string();
    const std::string command = has_command ? parsed["command"].get<std::string>() : std::string();
    const Time now = loop_.now();
    if (command == "status" || command == "flows") tls_watch_.forget_ended();
    if (command == "status") return to_text(status());
    const Observer& observer = engine_.observer();
    if (command == "calls")
        return to_text(to_json(with(report_calls(state_), observer.calls()),
                               {boot_time(), std::chrono::system_clock::now()}));
    if (command == "pinholes")
        return to_text(to_json(with(report_pinholes(state_, now), observer.pinholes(now))));
    if (command == "bindings")
        return to_text(to_json(with(report_bindings(state_, now), observer.bindings(now))));
    if (command == "flows")
        return to_text(to_json(report_flows(state_, now), {boot_time(), std::chrono::system_clock::now()}));
    if (command == "counters") return to_text(to_json(engine_.counters()));
    return to_text({{"error", has_command ? "unknown command '" + command + "'"
                                          : std::string("a request is {\"command\": NAME}")}});
}

Json Daemon::status() {
    Status status;
    status.pid = getpid();
    status.uptime_s = std::chrono::duration_cast<Seconds>(loop_.now() - started_).count();
    status.queue_method = nft::name(ruleset_.queue_method());
    const nft::Settings settings = ruleset_settings(options_, {});
    status.watch_queue = settings.watch_queue();
    status.shifted_queue = settings.shifted_queue();
    status.sees_streams = ruleset_.sees_streams();
    status.flows = state_.flows.counts();
    status.ends = network_.egress().ends();
    status.inside = network_.inside();
    status.accept_in = ruleset_.accepting_chains();
    status.totals = totals(state_);
    status.media_counted = nft::conntrack_counts();
    status.counters = engine_.counters();
    for (const Queue* queue : {&queue_, &shifted_queue_, &tls_watch_.queue()}) {
        status.queue_overflows += queue->lost_reads();
        status.refused_verdicts += queue->refused_verdicts();
        status.lost_verdicts += queue->lost_verdicts();
    }
    return to_json(options_, status);
}

}  // namespace sipalg::daemon
