#include "alg/ctl/view.hpp"

#include <functional>

#include "alg/base/escape.hpp"
#include "alg/ctl/call_view.hpp"
#include "alg/ctl/cells.hpp"
#include "alg/ctl/lists.hpp"
#include "alg/ctl/table.hpp"

namespace sipalg::ctl {

namespace {

// "3 sip, 1 tls": the kinds that are not zero.
std::string kinds(const Json& document) {
    std::string text;
    if (document.contains("flows") && document["flows"].is_object())
        for (const auto& [kind, count] : document["flows"].items())
            if (count.is_number() && count != 0)
                text += (text.empty() ? "" : ", ") + count.dump() + " " + kind;
    return text.empty() ? "0" : text;
}

Table count_table(const Json& counters, bool zeros) {
    Table table({{"MESSAGES"}, {"COUNT"}});
    if (counters.is_object())
        for (const auto& [word, count] : counters.items())
            if (count.is_number_unsigned() && (zeros || count.get<std::uint64_t>() > 0))
                table.add({word, count.dump()});
    return table;
}

// "serving; 2 warnings", then the warnings.
std::string verdict(const Json& document) {
    const bool serving = document.contains("serving") && document["serving"] == true;
    std::string text = serving ? "serving" : "not serving";
    if (!document.contains("warnings") || !document["warnings"].is_array()) return text + "\n\n";
    const Json& warnings = document["warnings"];
    text += warnings.empty()
                ? "; no warnings"
                : "; " + std::to_string(warnings.size()) + (warnings.size() == 1 ? " warning" : " warnings");
    text += '\n';
    for (const Json& warning : warnings)
        if (warning.is_string()) text += "warning: " + escape(warning.get<std::string>()) + '\n';
    return text + '\n';
}

// One line for each forward chain of the owner, whether it has the accept rule, does not need it, or can't
// have it.
void accept_rules(const Json& document,
                  const std::function<void(const std::string&, const std::string&)>& line) {
    const auto chains = document.find("accept_chains");
    if (chains == document.end() || !chains->is_array() || chains->empty()) {
        line("accept rules", document.contains("accept_in") && !document["accept_in"].empty()
                                 ? joined(document["accept_in"])
                                 : "none");
        return;
    }
    for (const Json& chain : *chains) {
        const std::string reason = cell(chain, "reason");
        line("accept rule", cell(chain, "state") == "accepting"
                                ? "in " + cell(chain, "chain")
                                : "not in " + cell(chain, "chain") + ": " + reason);
    }
}

std::string status(const Json& document) {
    std::string text = verdict(document);
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
                                (shown == address || shown.empty() ? "" : ", advertised as " + shown));
        }
    line("inside", field("inside"));
    line("SIP ports", field("sip_ports"));
    const bool streams = !document.contains("sees_streams") || document["sees_streams"] == true;
    line("TLS ports", (field("tls_ports").empty() ? "none" : field("tls_ports")) +
                          (streams ? "" : " (UDP only: this kernel cannot match TCP payload)"));
    if (document.contains("find_sip") && document["find_sip"] == true)
        line("other ports", "searched for SIP, see sipalgctl flows");
    line("media ports", cell(document, "media_ports"));
    line("mode",
         cell(document, "mode") +
             (cell(document, "mode") == "off" ? " (messages pass unread, so calls are not listed)" : ""));
    line("queue", cell(document, "queue") + " (" + cell(document, "queue_method") + ")");
    line("table", "inet " + cell(document, "table"));
    accept_rules(document, line);
    for (const char* count : {"calls", "bindings", "mappings", "pinholes"})
        line(count, cell(document, count));
    line("flows", kinds(document));
    if (document.contains("media_counted"))
        line("media", document["media_counted"] == true
                          ? "counted by conntrack"
                          : "not counted (nf_conntrack_acct is off): silence in a call is not detected");
    if (document.contains("counters")) {
        const Table table = count_table(document["counters"], false);
        text += table.empty() ? "\nno messages yet\n" : "\n" + table.text();
    }
    return text;
}

std::string limits(const Json& rows, std::size_t room) {
    Table table({{"LIMIT", 20}, {"VALUE"}, {"IN USE"}, {"AT THE LIMIT", 20}});
    for (const Json& row : rows)
        table.add({cell(row, "name"), cell(row, "limit"), cell(row, "in_use"), cell(row, "behaviour")});
    return table.text(room);
}

std::string closed(const Json& document) {
    if (!document.contains("closed") || !document["closed"].is_array()) return "-\n";
    std::string text;
    for (const Json& call : document["closed"])
        text += "closed " + escape(cell(call, "call_id")) + " (" + escape(cell(call, "phone")) + ", " +
                escape(cell(call, "peer")) + ")\n";
    return text + counted(std::to_string(document["closed"].size()), "call") + " and " +
           counted(cell(document, "pinholes_closed"), "pinhole") + " closed\n";
}

std::string joined_or(const Json& document, const char* field, const char* otherwise) {
    const std::string text = document.contains(field) ? joined(document[field]) : std::string();
    return text.empty() ? otherwise : text;
}

std::string reloaded(const Json& document) {
    const std::string file = cell(document, "file");
    return "configuration reloaded" + (file.empty() ? "" : " from " + escape(file)) +
           "\nchanged: " + escape(joined_or(document, "changed", "nothing")) +
           "\nneeds a restart: " + escape(joined_or(document, "needs_restart", "nothing")) + '\n';
}

}  // namespace

std::string view(const std::string& command, const Json& document, const Layout& layout) {
    const bool expected = command == "status" || command == "counters" || command == "call" ||
                                  command == "close" || command == "reload"
                              ? document.is_object()
                              : document.is_array();
    if (!expected)
        throw NotServing("unknown kind of answer; sipalgd and sipalgctl may have different versions");
    if (command == "status") return status(document);
    if (command == "call") return one_call(document, layout);
    if (command == "close") return closed(document);
    if (command == "reload") return reloaded(document);
    if (command == "limits") return limits(document, layout.room);
    if (command == "counters") return count_table(document, true).text();
    if (command == "calls") return calls_list(document, layout);
    if (command == "pinholes") return pinholes_list(document, layout);
    if (command == "flows") return flows_list(document, layout);
    return bindings_list(document, layout);
}

}  // namespace sipalg::ctl
