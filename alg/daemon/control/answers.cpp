#include "alg/daemon/control/answers.hpp"

#include <unistd.h>

#include "alg/daemon/run/loop.hpp"
#include "nft/conntrack_settings.hpp"

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

}  // namespace

std::string Answers::answer(std::string_view request, Time now) {
    const Json parsed = Json::parse(request, nullptr, false);
    const bool has_command =
        parsed.is_object() && parsed.contains("command") && parsed["command"].is_string();
    const std::string command = has_command ? parsed["command"].get<std::string>() : std::string();
    const State& state = from_.state;
    const Observer& observer = from_.engine.observer();
    if (command == "status" || command == "flows") from_.tls_watch.forget_ended();
    if (command == "status") return to_text(status(now));
    if (command == "calls") return to_text(to_json(with(report_calls(state), observer.calls()), clocks()));
    if (command == "pinholes") return to_text(to_json(with(report_pinholes(state, now), observer.pinholes(now))));
    if (command == "bindings") return to_text(to_json(with(report_bindings(state, now), observer.bindings(now))));
    if (command == "flows") return to_text(to_json(state.flows(now), clocks()));
    if (command == "counters") return to_text(to_json(from_.engine.counters()));
    return to_text({{"error", has_command ? "unknown command '" + command + "'"
                                          : std::string("a request is {\"command\": NAME}")}});
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
    status.accept_in = from_.ruleset.accepting_chains();
    status.totals = totals(from_.state);
    status.media_counted = nft::conntrack_counts();
    status.counters = from_.engine.counters();
    const auto add = [&](const Queue& queue) {
        status.queue_overflows += queue.lost_reads();
        status.refused_verdicts += queue.refused_verdicts();
        status.lost_verdicts += queue.lost_verdicts();
    };
    for (const Queue* queue : from_.packets.queues())
        add(*queue);
    add(from_.tls_watch.queue());
    return to_json(from_.options, status);
}

}  // namespace sipalg::daemon
