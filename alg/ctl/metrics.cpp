#include "alg/ctl/metrics.hpp"

#include <array>
#include <cstdint>
#include <sstream>

#include "alg/sys/queue_table.hpp"

namespace sipalg::ctl {

namespace {

struct Number {
    const char* field;  ///< of the status document
    const char* name;
    bool counter;  ///< false: a gauge
    const char* help;
};

constexpr std::array numbers{
    Number{"uptime_s", "sipalg_uptime_seconds", false, "Time since the daemon started."},
    Number{"calls", "sipalg_calls", false, "Calls in progress."},
    Number{"bindings", "sipalg_bindings", false, "Registered phones."},
    Number{"mappings", "sipalg_mappings", false, "NAT mappings."},
    Number{"pinholes", "sipalg_pinholes", false, "Open pinholes."},
    Number{"queue_overflows", "sipalg_queue_overflows", true, "Times the queue's socket buffer was full."},
    Number{"refused_verdicts", "sipalg_refused_verdicts", true,
           "Verdicts that the kernel answered with an error."},
    Number{"lost_verdicts", "sipalg_lost_verdicts", true, "Verdicts that never reached the kernel."},
};

/// The two lines in front of the samples. In Prometheus' text format a counter is named like its samples.
std::string heading(MetricsFormat format, const std::string& name, bool counter, const char* help) {
    const std::string family = name + (counter && format == MetricsFormat::prometheus ? "_total" : "");
    return "# TYPE " + family + (counter ? " counter" : " gauge") + "\n# HELP " + family + " " + help + "\n";
}

std::string label_value(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return out;
}

std::string build(MetricsFormat format, const std::string& version) {
    const std::string family =
        format == MetricsFormat::open_metrics ? "sipalg_build info" : "sipalg_build_info gauge";
    return "# TYPE " + family + "\n# HELP " + family.substr(0, family.find(' ')) +
           " Version of sipalgd.\nsipalg_build_info{version=\"" + label_value(version) + "\"} 1\n";
}

// A counter or gauge with one sample for each field of an object.
std::string by_label(MetricsFormat format, const Json& status, const char* field, const std::string& name,
                     bool counter, const char* label, const char* help) {
    if (!status.contains(field) || !status[field].is_object()) return {};
    std::string text = heading(format, name, counter, help);
    for (const auto& [value, count] : status[field].items())
        if (count.is_number())
            text += name + (counter ? "_total{" : "{") + label + "=\"" + label_value(value) + "\"} " +
                    count.dump() + "\n";
    return text;
}

std::string seconds(std::int64_t microseconds) {
    std::ostringstream text;
    text << static_cast<double>(microseconds) / 1e6;
    return text.str();
}

// The daemon's buckets are apart; OpenMetrics adds them up.
std::string histogram(MetricsFormat format, const Json& latency) {
    const bool known = latency.is_object() && latency.contains("buckets") && latency["buckets"].is_array() &&
                       latency.contains("sum_us") && latency["sum_us"].is_number_integer();
    if (!known) return {};
    const std::string name = "sipalg_verdict_seconds";
    std::string text = "# TYPE " + name + " histogram\n";
    if (format == MetricsFormat::open_metrics) text += "# UNIT " + name + " seconds\n";
    text += "# HELP " + name + " Time from reading a packet to its verdict.\n";
    std::uint64_t sum = 0;
    for (const Json& bucket : latency["buckets"]) {
        if (!bucket.is_object() || !bucket.contains("packets") || !bucket["packets"].is_number_unsigned())
            return {};
        sum += bucket["packets"].get<std::uint64_t>();
        const bool last = !bucket.contains("up_to_us") || !bucket["up_to_us"].is_number_integer();
        text += name + "_bucket{le=\"" + (last ? "+Inf" : seconds(bucket["up_to_us"].get<std::int64_t>())) +
                "\"} " + std::to_string(sum) + "\n";
    }
    return text + name + "_count " + std::to_string(sum) + "\n" + name + "_sum " +
           seconds(latency["sum_us"].get<std::int64_t>()) + "\n";
}

std::string limits_of(MetricsFormat format, const Json& limits) {
    std::string values = heading(format, "sipalg_limit", false, "Limit of a table.");
    std::string uses = heading(format, "sipalg_limit_in_use", false,
                               "Use of a table; for the limit of one host, by the host that uses most.");
    if (!limits.is_array() || limits.empty()) return {};
    for (const Json& row : limits) {
        if (!row.is_object() || !row.contains("name") || !row["name"].is_string()) continue;
        const std::string label = "{name=\"" + label_value(row["name"].get<std::string>()) + "\"} ";
        if (row.contains("limit") && row["limit"].is_number())
            values += "sipalg_limit" + label + row["limit"].dump() + "\n";
        if (row.contains("in_use") && row["in_use"].is_number())
            uses += "sipalg_limit_in_use" + label + row["in_use"].dump() + "\n";
    }
    return values + uses;
}

std::string queues_of(MetricsFormat format, const Json& status, const std::string& table) {
    std::string depth =
        heading(format, "sipalg_queue_packets", false, "Packets that wait in the kernel's queue.");
    std::string drops =
        heading(format, "sipalg_queue_dropped_packets", true,
                "Packets that the kernel dropped, or passed unread, at a full queue or socket.");
    bool found = false;
    std::istringstream lines(table);
    for (const QueueRow& row : read_queue_table(lines)) {
        bool own = false;
        for (const char* field : {"queue", "shifted_queue", "watch_queue"})
            own = own || (status.contains(field) && status[field] == row.number);
        if (!own) continue;
        found = true;
        const std::string label = "{queue=\"" + std::to_string(row.number) + "\"} ";
        depth += "sipalg_queue_packets" + label + std::to_string(row.waiting) + "\n";
        drops += "sipalg_queue_dropped_packets_total" + label +
                 std::to_string(row.full_queue + row.full_socket) + "\n";
    }
    return found ? depth + drops : std::string();
}

}  // namespace

std::string metrics(const Json& status, const Json& limits, const std::string& queues, MetricsFormat format) {
    if (!status.is_object() || !status.contains("counters") || !status["counters"].is_object())
        throw NotServing("unknown kind of answer; sipalgd and sipalgctl may have different versions");
    std::string text;
    if (status.contains("version") && status["version"].is_string())
        text += build(format, status["version"].get<std::string>());
    text += by_label(format, status, "counters", "sipalg_messages", true, "reason", "Messages by outcome.");
    text += by_label(format, status, "calls_ended", "sipalg_calls_ended", true, "reason",
                     "Calls by the reason of their end.");
    text += by_label(format, status, "flows", "sipalg_flows", false, "kind", "Signalling flows by content.");
    for (const Number& number : numbers) {
        if (!status.contains(number.field) || !status[number.field].is_number()) continue;
        text += heading(format, number.name, number.counter, number.help) + number.name +
                (number.counter ? "_total " : " ") + status[number.field].dump() + "\n";
    }
    if (status.contains("warnings") && status["warnings"].is_array())
        text += heading(format, "sipalg_warnings", false, "Warnings of sipalgctl status.") +
                "sipalg_warnings " + std::to_string(status["warnings"].size()) + "\n";
    if (status.contains("latency")) text += histogram(format, status["latency"]);
    return text + limits_of(format, limits) + queues_of(format, status, queues) +
           (format == MetricsFormat::open_metrics ? "# EOF\n" : "");
}

}  // namespace sipalg::ctl
