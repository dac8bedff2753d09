#include "alg/ctl/view.hpp"

#include "alg/base/escape.hpp"
#include "alg/ctl/table.hpp"

namespace sipalg::ctl {

namespace {

std::string cell(const Json& object, const char* field) {
    if (!object.is_object() || !object.contains(field)) return {};
    const Json& value = object[field];
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number() || value.is_boolean()) return value.dump();
    return {};
}

std::string joined(const Json& array) {
    std::string text;
    if (array.is_array())
        for (const Json& item : array)
            text += (text.empty() ? "" : ", ") + (item.is_string() ? item.get<std::string>() : item.dump());
    return text;
}

std::string duration(const Json& object, const char* field) {
    const bool known = object.is_object() && object.contains(field) && object[field].is_number_integer();
    if (!known) return {};
    const auto total = object[field].get<std::int64_t>();
    const auto part = [](std::int64_t value, const char* unit) { return std::to_string(value) + unit; };
    if (total < 60) return part(total, "s");
    if (total < 3600) return part(total / 60, "m") + part(total % 60, "s");
    if (total < 86400) return part(total / 3600, "h") + part(total % 3600 / 60, "m");
    return part(total / 86400, "d") + part(total % 86400 / 3600, "h");
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

// Of what is only watched, nothing is in the kernel.
std::string marked(const Json& row, const std::string& text) {
    const bool observed = row.is_object() && row.contains("observed") && row["observed"] == true;
    return observed ? text + " (observed)" : text;
}

std::string calls(const Json& rows) {
    if (rows.empty()) return "no calls\n";
    Table table({"STATE", "DIR", "PHONE", "PEER", "FROM", "TO", "STARTED", "MESSAGES", "MEDIA", "CALL-ID"});
    for (const Json& row : rows)
        table.add({marked(row, cell(row, "state")), cell(row, "direction"), cell(row, "phone"),
                   cell(row, "peer"), cell(row, "from"), cell(row, "to"), cell(row, "started"),
                   cell(row, "treatment"), media(row), cell(row, "call_id")});
    return table.text();
}

std::string pinholes(const Json& rows) {
    if (rows.empty()) return "no pinholes\n";
    Table table({"PROTO", "PUBLIC", "INSIDE", "REMOTE", "MEDIA", "STATE", "EXPIRES", "CALL-ID"});
    for (const Json& row : rows)
        table.add({cell(row, "proto"), cell(row, "public"), cell(row, "inside"), cell(row, "remote"),
                   cell(row, "media") + " " + cell(row, "component"), marked(row, cell(row, "state")),
                   duration(row, "expires_s"), cell(row, "call_id")});
    return table.text();
}

std::string bindings(const Json& rows) {
    if (rows.empty()) return "no bindings\n";
    Table table({"PROTO", "PUBLIC", "INSIDE", "REGISTRAR", "EXPIRES", "MESSAGES", "AOR"});
    for (const Json& row : rows)
        table.add({cell(row, "proto"), cell(row, "public"), cell(row, "inside"), cell(row, "registrar"),
                   duration(row, "expires_s"), marked(row, cell(row, "treatment")), cell(row, "aor")});
    return table.text();
}

std::string treatment(const Json& flow) {
    std::string text = cell(flow, "treatment");
    if (flow.is_object() && flow.contains("configured") && flow["configured"] == false)
        text += " (no SIP port)";
    return text;
}

std::string flows(const Json& rows) {
    if (rows.empty()) return "no flows\n";
    Table table({"PROTO", "PHONE", "PEER", "OPENED", "KIND", "TREATMENT", "PACKETS", "IDLE", "SERVER NAME"});
    for (const Json& row : rows)
        table.add({cell(row, "proto"), cell(row, "phone"), cell(row, "peer"), cell(row, "opened_by"),
                   cell(row, "kind"), treatment(row), cell(row, "packets"), duration(row, "idle_s"),
                   cell(row, "sni")});
    return table.text();
}

// "3 sip, 1 tls": the kinds of which there are some.
std::string kinds(const Json& document) {
    std::string text;
    if (document.contains("flows") && document["flows"].is_object())
        for (const auto& [kind, count] : document["flows"].items())
            if (count.is_number() && count != 0)
                text += (text.empty() ? "" : ", ") + count.dump() + " " + kind;
    return text.empty() ? "0" : text;
}

Table count_table(const Json& counters, bool zeros) {
    Table table({"MESSAGES", "COUNT"});
    if (counters.is_object())
        for (const auto& [word, count] : counters.items())
            if (count.is_number_unsigned() && (zeros || count.get<std::uint64_t>() > 0))
                table.add({word, count.dump()});
    return table;
}

std::string status(const Json& document) {
    std::string text;
    const auto line = [&](const std::string& label, const std::string& value) {
        text += label + std::string(label.size() < 14 ? 14 - label.size() : 1, ' ') +
                (value.empty() ? "-" : escape(value)) + "\n";
    };
    const auto field = [&](const char* name) {
        return document.contains(name) ? joined(document[name]) : std::string();
    };
    line("sipalgd", cell(document, "version") + ", pid " + cell(document, "pid") + ", serving for " +
                        duration(document, "uptime_s"));
    line("outside", field("outside"));
    if (document.contains("addresses") && document["addresses"].is_array())
        for (const Json& entry : document["addresses"]) {
            const std::string address = cell(entry, "address");
            const std::string shown = cell(entry, "advertised");
            line("address", cell(entry, "interface") + " " + address +
                                (shown == address || shown.empty() ? "" : ", shown as " + shown));
        }
    line("inside", field("inside"));
    line("SIP ports", field("sip_ports"));
    const bool streams = !document.contains("sees_streams") || document["sees_streams"] == true;
    line("TLS ports", (field("tls_ports").empty() ? "none" : field("tls_ports")) +
                          (streams ? "" : " (UDP only: this kernel can't look into TCP)"));
    if (document.contains("find_sip") && document["find_sip"] == true)
        line("other ports", "SIP is looked for, see sipalgctl flows");
    line("media ports", cell(document, "media_ports"));
    line("mode", cell(document, "mode"));
    line("queue", cell(document, "queue") + " (" + cell(document, "queue_method") + ")");
    line("table", "inet " + cell(document, "table"));
    line("accept rules", field("accept_in").empty() ? "none" : field("accept_in"));
    for (const char* count : {"calls", "bindings", "mappings", "pinholes"})
        line(count, cell(document, count));
    line("flows", kinds(document));
    if (document.contains("media_counted"))
        line("media", document["media_counted"] == true
                          ? "counted by conntrack"
                          : "not counted (nf_conntrack_acct is off): who falls silent in a call is not seen");
    if (document.contains("counters")) {
        const Table table = count_table(document["counters"], false);
        text += table.empty() ? "\nno messages yet\n" : "\n" + table.text();
    }
    return text;
}

}  // namespace

std::string view(const std::string& command, const Json& document) {
    const bool expected =
        command == "status" || command == "counters" ? document.is_object() : document.is_array();
    if (!expected) throw NotServing("the answer is not what this sipalgctl knows; are versions equal?");
    if (command == "status") return status(document);
    if (command == "counters") return count_table(document, true).text();
    if (command == "calls") return calls(document);
    if (command == "pinholes") return pinholes(document);
    if (command == "flows") return flows(document);
    return bindings(document);
}

}  // namespace sipalg::ctl
