#include "alg/ctl/call_view.hpp"

#include <cstdint>
#include <cstdio>
#include <string>

#include "alg/base/escape.hpp"
#include "alg/ctl/cells.hpp"
#include "alg/ctl/table.hpp"

namespace sipalg::ctl {

namespace {

void add_line(std::string& text, std::string name, const std::string& value) {
    name.resize(14, ' ');
    text += name + (value.empty() ? "-" : escape(value)) + '\n';
}

void add_media(std::string& text, const Json& call) {
    for (const Json& stream : rows_of(call, "media")) {
        const std::string silent = cell(stream, "silent");
        add_line(text, "media",
                 cell(stream, "type") + " " + cell(stream, "state") + ": inside " + cell(stream, "inside") +
                     ", public " + cell(stream, "public") + ", peer " + cell(stream, "remote") +
                     (silent.empty() ? "" : ", " + silent + " silent"));
    }
}

void add_timers(std::string& text, const Json& call) {
    for (const Json& timer : rows_of(call, "timers"))
        add_line(text, "timer", "in " + duration(timer, "in_s") + " " + cell(timer, "text"));
}

std::string step_time(const Json& step) {
    if (!step.is_object() || !step.contains("after_ms") || !step["after_ms"].is_number_unsigned()) return {};
    char text[32];
    const auto milliseconds = step["after_ms"].get<std::uint64_t>();
    std::snprintf(text, sizeof text, "%llu.%03llu", static_cast<unsigned long long>(milliseconds / 1000),
                  static_cast<unsigned long long>(milliseconds % 1000));
    return text;
}

std::string ladder(const Json& call, const Layout& layout) {
    const Json steps = rows_of(call, "ladder");
    if (steps.empty()) return "no messages since sipalgd started\n";
    Table table({{"SECONDS"}, {"PHONE  PEER"}, {"MESSAGE", 12}, {"OUTCOME"}, {"CHANGED", 8}});
    for (const Json& step : steps) {
        const std::string changed =
            step.is_object() && step.contains("changed") ? joined(step["changed"]) : "";
        table.add({step_time(step), cell(step, "from") == "inside" ? "  ------>" : "  <------",
                   cell(step, "title"), cell(step, "reason"), changed});
    }
    const std::string left_out = cell(call, "ladder_left_out");
    return table.text(layout.room) +
           (left_out.empty() || left_out == "0"
                ? ""
                : counted(left_out, "message") + " between the first and the latest are not listed\n");
}

/// "9600 / 1536000": packets and bytes; empty: not counted.
std::string counts(const Json& pinhole, const char* packets, const char* bytes) {
    const std::string number = cell(pinhole, packets);
    return number.empty() ? "" : number + " / " + cell(pinhole, bytes);
}

std::string pinholes(const Json& rows, const Layout& layout) {
    if (rows.empty()) return "no pinholes\n";
    Table table({{layout.wide ? "PUBLIC" : "PORT"},
                 {"INSIDE", 15},
                 {"REMOTE", 13},
                 {"SERVES"},
                 {"PEER SENT", 0, true},
                 {"PHONE SENT", 0, true},
                 {"LEFT"},
                 {"STATE", 0, true}});
    for (const Json& row : rows) {
        const std::string port = cell(row, "public");
        table.add({layout.wide ? port : port_of(port), cell(row, "inside"), cell(row, "remote"), purpose(row),
                   counts(row, "packets_from_peer", "bytes_from_peer"),
                   counts(row, "packets_from_phone", "bytes_from_phone"), duration(row, "expires_s"),
                   marked(row, cell(row, "state"))});
    }
    return table.text(layout.room);
}

}  // namespace

std::string one_call(const Json& document, const Layout& layout) {
    std::string text;
    for (const Json& call : rows_of(document, "calls")) {
        if (!text.empty()) text += '\n';
        for (const char* field : {"call_id", "state", "direction", "from", "to", "phone", "peer", "started"})
            add_line(text, field, cell(call, field));
        add_line(text, "messages", marked(call, treatment(call)));
        add_media(text, call);
        add_timers(text, call);
        text += '\n' + ladder(call, layout);
    }
    return text + '\n' + pinholes(rows_of(document, "pinholes"), layout);
}

}  // namespace sipalg::ctl
