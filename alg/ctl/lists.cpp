#include "alg/ctl/lists.hpp"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

#include "alg/ctl/cells.hpp"
#include "alg/ctl/table.hpp"
#include "alg/net/address.hpp"

namespace sipalg::ctl {

namespace {

std::string without_scheme(const std::string& uri) {
    for (const std::string_view scheme : {"sip:", "sips:", "tel:"})
        if (uri.starts_with(scheme)) return uri.substr(scheme.size());
    return uri;
}

/// How long ago a calendar time (RFC 3339, UTC) is; empty: it cannot be read.
std::string age(const Json& row, const char* field, const Layout& layout) {
    const std::string text = cell(row, field);
    std::tm parts{};
    if (strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr) return {};
    // In seconds, because the clock's own unit has no room for every year.
    const std::int64_t then = timegm(&parts), now = std::chrono::system_clock::to_time_t(layout.now);
    return human(std::max<std::int64_t>(0, now - then));
}

/// The other end of a call: its URI without the scheme, or its address.
std::string party(const Json& call) {
    const std::string uri = without_scheme(cell(call, cell(call, "direction") == "in" ? "from" : "to"));
    return uri.empty() ? cell(call, "peer") : uri;
}

std::string media(const Json& call) {
    std::string text;
    if (call.is_object() && call.contains("media") && call["media"].is_array())
        for (const Json& stream : call["media"]) {
            text += (text.empty() ? "" : ", ") + cell(stream, "type") + " " + cell(stream, "state");
            const std::string silent = cell(stream, "silent");
            if (!silent.empty()) text += " (" + silent + " silent)";
        }
    return text;
}

/// The same in few words: the state of the stream that needs attention.
std::string short_media(const Json& call) {
    std::string text;
    if (call.is_object() && call.contains("media") && call["media"].is_array())
        for (const Json& stream : call["media"]) {
            const std::string silent = cell(stream, "silent"), type = cell(stream, "type");
            if (!silent.empty()) return silent + " silent";
            if (text.empty()) text = type + " " + cell(stream, "state");
        }
    return text;
}

/// The sides that have sent media in an ended call.
std::string media_sides(const Json& call) {
    const std::string from = cell(call, "media_from");
    if (from == "both") return "both ways";
    if (from == "phone") return "peer silent";
    if (from == "peer") return "phone silent";
    if (from == "none") return "both silent";
    const bool answered = call.is_object() && call.contains("answered") && call["answered"].is_string();
    return answered ? "not measured" : "";
}

std::string ended_calls(const Json& rows, const Layout& layout) {
    if (layout.wide) {
        Table table({"ENDED", "DURATION", "DIR", "PHONE", "PEER", "FROM", "TO", "WHY", "MEDIA", "CALL-ID"});
        for (const Json& row : rows)
            table.add({cell(row, "ended"), duration(row, "duration_s"), cell(row, "direction"),
                       cell(row, "phone"), cell(row, "peer"), cell(row, "from"), cell(row, "to"),
                       marked(row, cell(row, "why")), media_sides(row), cell(row, "call_id")});
        return table.text(layout.room);
    }
    Table table({{"AGO"},
                 {"LASTED"},
                 {"DIR", 0, true},
                 {"PHONE", 13},
                 {"WITH", 8, true},
                 {"WHY", 12},
                 {"MEDIA"},
                 {"CALL-ID", 8, true}});
    for (const Json& row : rows)
        table.add({age(row, "ended", layout), duration(row, "duration_s"), cell(row, "direction"),
                   cell(row, "phone"), party(row), marked(row, cell(row, "why")), media_sides(row),
                   cell(row, "call_id")});
    return table.text(layout.room);
}

std::string flow_treatment(const Json& flow) {
    std::string text = treatment(flow);
    if (flow.is_object() && flow.contains("configured") && flow["configured"] == false)
        text += " (no SIP port)";
    return text;
}

/// The inside address of a row.
std::string phone_of(const Json& row) {
    for (const char* field : {"phone", "inside"}) {
        std::string text = cell(row, field);
        if (text.empty()) continue;
        if (const auto endpoint = Endpoint::parse(text)) return endpoint->address.text();
        return text;
    }
    return {};
}

}  // namespace

std::string port_of(const std::string& endpoint) {
    return endpoint.substr(endpoint.rfind(':') + 1);
}

std::string purpose(const Json& row) {
    const std::string serves = cell(row, "serves");
    if (serves == "call") return "signalling";
    if (serves == "registration") return "registration";
    if (serves == "allowed_peer") return "allowed peer";
    const std::string component = serves == "latch" ? serves : cell(row, "component");
    return cell(row, "media") + (component.empty() ? "" : " " + component);
}

std::string calls_list(const Json& rows, const Layout& layout) {
    if (rows.empty()) return "no calls\n";
    if (cell(rows[0], "state") == "ended") return ended_calls(rows, layout);
    if (layout.wide) {
        Table table(
            {"STATE", "DIR", "PHONE", "PEER", "FROM", "TO", "STARTED", "MESSAGES", "MEDIA", "CALL-ID"});
        for (const Json& row : rows)
            table.add({marked(row, cell(row, "state")), cell(row, "direction"), cell(row, "phone"),
                       cell(row, "peer"), cell(row, "from"), cell(row, "to"), cell(row, "started"),
                       treatment(row), media(row), cell(row, "call_id")});
        return table.text(layout.room);
    }
    // The column with the reasons is only there if some call has one.
    const bool with_reasons = std::any_of(
        rows.begin(), rows.end(), [](const Json& row) { return !cell(row, "unchanged_why").empty(); });
    std::vector<Table::Column> columns{{"STATE"}, {"DIR", 0, true}, {"PHONE", 13}, {"WITH", 8, true},
                                       {"AGE"},   {"MEDIA"},        {"CALL-ID", 8}};
    if (with_reasons) columns.insert(columns.end() - 1, {"UNCHANGED BECAUSE", 8, true});
    Table table(std::move(columns));
    for (const Json& row : rows) {
        std::vector<std::string> cells{
            marked(row, cell(row, "state")), cell(row, "direction"), cell(row, "phone"),  party(row),
            age(row, "started", layout),     short_media(row),       cell(row, "call_id")};
        if (with_reasons) cells.insert(cells.end() - 1, cell(row, "unchanged_why"));
        table.add(std::move(cells));
    }
    return table.text(layout.room);
}

std::string pinholes_list(const Json& rows, const Layout& layout) {
    if (rows.empty()) return "no pinholes\n";
    if (layout.wide) {
        Table table({"PROTO", "PUBLIC", "INSIDE", "REMOTE", "SERVES", "STATE", "EXPIRES", "CALL-ID"});
        for (const Json& row : rows)
            table.add({cell(row, "proto"), cell(row, "public"), cell(row, "inside"), cell(row, "remote"),
                       purpose(row), marked(row, cell(row, "state")), duration(row, "expires_s"),
                       cell(row, "call_id")});
        return table.text(layout.room);
    }
    Table table({{"PORT"},
                 {"INSIDE", 15},
                 {"REMOTE", 13},
                 {"SERVES"},
                 {"LEFT"},
                 {"STATE", 0, true},
                 {"CALL-ID", 8, true}});
    for (const Json& row : rows)
        table.add({port_of(cell(row, "public")), cell(row, "inside"), cell(row, "remote"), purpose(row),
                   duration(row, "expires_s"), marked(row, cell(row, "state")), cell(row, "call_id")});
    return table.text(layout.room);
}

std::string bindings_list(const Json& rows, const Layout& layout) {
    if (rows.empty()) return "no bindings\n";
    if (layout.wide) {
        Table table({"PROTO", "PUBLIC", "INSIDE", "REGISTRAR", "EXPIRES", "MESSAGES", "AOR"});
        for (const Json& row : rows)
            table.add({cell(row, "proto"), cell(row, "public"), cell(row, "inside"), cell(row, "registrar"),
                       duration(row, "expires_s"), marked(row, treatment(row)), cell(row, "aor")});
        return table.text(layout.room);
    }
    Table table({{"AOR", 12},
                 {"INSIDE", 15},
                 {"REGISTRAR", 13},
                 {"LEFT"},
                 {"PUBLIC", 0, true},
                 {"MESSAGES", 0, true}});
    for (const Json& row : rows)
        table.add({without_scheme(cell(row, "aor")), cell(row, "inside"), cell(row, "registrar"),
                   duration(row, "expires_s"), cell(row, "public"), marked(row, treatment(row))});
    return table.text(layout.room);
}

std::string flows_list(const Json& rows, const Layout& layout) {
    if (rows.empty()) return "no flows\n";
    if (layout.wide) {
        Table table(
            {"PROTO", "PHONE", "PEER", "OPENED", "KIND", "TREATMENT", "PACKETS", "IDLE", "SERVER NAME"});
        for (const Json& row : rows)
            table.add({cell(row, "proto"), cell(row, "phone"), cell(row, "peer"), cell(row, "opened_by"),
                       cell(row, "kind"), flow_treatment(row), cell(row, "packets"), duration(row, "idle_s"),
                       cell(row, "sni")});
        return table.text(layout.room);
    }
    Table table({{"PHONE", 14},
                 {"PEER", 14},
                 {"KIND"},
                 {"TREATMENT", 12},
                 {"IDLE"},
                 {"PACKETS", 0, true},
                 {"SERVER", 8, true}});
    for (const Json& row : rows)
        table.add({cell(row, "phone"), cell(row, "peer"), cell(row, "kind") + "/" + cell(row, "proto"),
                   flow_treatment(row), duration(row, "idle_s"), cell(row, "packets"), cell(row, "sni")});
    return table.text(layout.room);
}

Json chosen_rows(const Json& rows, const std::string& phone, const std::string& call) {
    if (!rows.is_array() || (phone.empty() && call.empty())) return rows;
    Json chosen = Json::array();
    for (const Json& row : rows) {
        const bool same_phone = phone.empty() || phone_of(row) == phone;
        if (same_phone && cell(row, "call_id").starts_with(call)) chosen.push_back(row);
    }
    return chosen;
}

}  // namespace sipalg::ctl
