#include "alg/ctl/screen.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <sstream>
#include <vector>

#include "alg/base/escape.hpp"
#include "alg/ctl/cells.hpp"
#include "alg/ctl/lists.hpp"

namespace sipalg::ctl {

namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& text) {
    Lines lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

/// Messages so far, with those of one reason apart.
double messages(const Json& status, const char* only = nullptr) {
    double sum = 0;
    if (status.is_object() && status.contains("counters") && status["counters"].is_object())
        for (const auto& [reason, count] : status["counters"].items())
            if (count.is_number() && (only == nullptr || reason == only)) sum += count.get<double>();
    return sum;
}

std::string rate(double count, std::chrono::steady_clock::duration time) {
    const double seconds = std::chrono::duration<double>(time).count();
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", seconds > 0 ? std::max(0.0, count / seconds) : 0.0);
    return text;
}

std::string totals(const Snapshot& now, const std::optional<Snapshot>& before) {
    const auto total = [&](const char* field, const char* noun) {
        const std::string number = cell(now.status, field);
        return counted(number.empty() ? "-" : number, noun);
    };
    std::string text = total("calls", "call") + ", " + total("bindings", "registration") + ", " +
                       total("pinholes", "pinhole");
    if (before) {
        const auto time = now.at - before->at;
        text += "; " + rate(messages(now.status) - messages(before->status), time) + " messages/s, " +
                rate(messages(now.status, "rewritten") - messages(before->status, "rewritten"), time) +
                " rewritten";
    }
    return text;
}

/// The rows of a list; none if the document is none. Their remaining time is that of now.
Json rows_in(const Json& document, std::chrono::steady_clock::duration age) {
    Json rows = document.is_array() ? document : rows_of(document, "rows");
    for (Json& row : rows)
        if (row.is_object() && row.contains("expires_s") && row["expires_s"].is_number_integer())
            row["expires_s"] =
                std::max<std::int64_t>(0, row["expires_s"].get<std::int64_t>() -
                                              std::chrono::duration_cast<std::chrono::seconds>(age).count());
    return rows;
}

/// A list as lines, and the number of rows that its document has left out.
struct List {
    Lines lines;
    std::size_t left_out = 0;
};

List list_of(const Json& document, const Json& rows, const std::string& text) {
    List list{lines_of(text), 0};
    if (!document.is_object() || !document.contains("total") || !document["total"].is_number_unsigned())
        return list;
    const auto total = document["total"].get<std::size_t>();
    list.left_out = total - std::min(total, rows.size());
    return list;
}

/// The first lines of a list, with the number of the others in the last one.
void add_list(Lines& page, const List& list, std::size_t room) {
    if (room < 2 || list.lines.empty()) return;
    page.emplace_back();
    const std::size_t left = room - 1;
    const bool fits = list.left_out == 0 && list.lines.size() <= left;
    const std::size_t shown = fits ? list.lines.size() : std::min(list.lines.size(), left - 1);
    page.insert(page.end(), list.lines.begin(), list.lines.begin() + static_cast<std::ptrdiff_t>(shown));
    if (!fits) page.push_back("… " + std::to_string(list.lines.size() - shown + list.left_out) + " more");
}

}  // namespace

std::string screen(const Snapshot& now, const std::optional<Snapshot>& before, ScreenSize size,
                   std::chrono::system_clock::time_point wall) {
    const Layout layout{false, size.columns, wall};
    const Json warnings = rows_of(now.status, "warnings");
    Lines page{
        std::string(flag(now.status, "serving") ? "serving" : "not serving") +
        (warnings.empty() ? "; no warnings" : "; " + counted(std::to_string(warnings.size()), "warning")) +
        "   (q quits)"};
    page.push_back(totals(now, before));
    for (const Json& warning : warnings)
        if (warning.is_string() && page.size() < size.rows / 4)
            page.push_back("warning: " + escape(warning.get<std::string>()));
    // Ended calls and registrations get a share of a small screen, and calls get the rest.
    const auto age = now.at - now.lists_at;
    const auto list = [&](const Json& document, auto print) {
        const Json rows = rows_in(document, age);
        return list_of(document, rows, print(rows, layout));
    };
    const List calls = list(now.calls, calls_list);
    const List bindings = list(now.bindings, bindings_list);
    const List ended = rows_in(now.ended, age).empty() ? List() : list(now.ended, calls_list);
    const std::size_t room = size.rows > page.size() ? size.rows - page.size() : 0;
    const std::size_t share = room / 4;
    const std::size_t for_bindings = std::min(share, bindings.lines.size() + 1);
    const std::size_t for_ended = ended.lines.empty() ? 0 : std::min(share, ended.lines.size() + 1);
    add_list(page, calls, room - for_bindings - for_ended);
    add_list(page, ended, for_ended);
    add_list(page, bindings, std::max(for_bindings, size.rows > page.size() ? size.rows - page.size() : 0));
    std::string text;
    for (std::size_t i = 0; i < page.size() && i < size.rows; ++i)
        text += (i == 0 ? "" : "\n") + cut(page[i], size.columns);
    return text;
}

}  // namespace sipalg::ctl
