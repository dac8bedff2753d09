#include "alg/ctl/metrics.hpp"

#include <array>

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

std::string heading(const std::string& name, bool counter, const char* help) {
    return "# TYPE " + name + (counter ? " counter" : " gauge") + "\n# HELP " + name + " " + help + "\n";
}

std::string label_value(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return out;
}

}  // namespace

std::string metrics(const Json& status) {
    if (!status.is_object() || !status.contains("counters") || !status["counters"].is_object())
        throw NotServing("unknown kind of answer; sipalgd and sipalgctl may have different versions");
    std::string text = heading("sipalg_messages", true, "Messages by outcome.");
    for (const auto& [reason, count] : status["counters"].items())
        if (count.is_number())
            text += "sipalg_messages_total{reason=\"" + label_value(reason) + "\"} " + count.dump() + "\n";
    if (status.contains("flows") && status["flows"].is_object()) {
        text += heading("sipalg_flows", false, "Signalling flows by content.");
        for (const auto& [kind, count] : status["flows"].items())
            if (count.is_number())
                text += "sipalg_flows{kind=\"" + label_value(kind) + "\"} " + count.dump() + "\n";
    }
    for (const Number& number : numbers) {
        if (!status.contains(number.field) || !status[number.field].is_number()) continue;
        text += heading(number.name, number.counter, number.help) + number.name +
                (number.counter ? "_total " : " ") + status[number.field].dump() + "\n";
    }
    return text + "# EOF\n";
}

}  // namespace sipalg::ctl
