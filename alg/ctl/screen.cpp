#include "alg/ctl/screen.hpp"

#include <algorithm>
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

/// The rows of a document; none if it is no list.
const Json& rows_in(const Json& document) {
    static const Json none = Json::array();
    return document.is_array() ? document : none;
}

/// The first lines of a list, with the number of the others in the last one.
void add_list(Lines& page, const Lines& list, std::size_t room) {
    if (room < 2 || list.empty()) return;
    page.emplace_back();
    const std::size_t left = room - 1;
    if (list.size() <= left) {
        page.insert(page.end(), list.begin(), list.end());
        return;
    }
    page.insert(page.end(), list.begin(), list.begin() + static_cast<std::ptrdiff_t>(left - 1));
    page.push_back("… " + std::to_string(list.size() - left + 1) + " more");
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
    const Lines calls = lines_of(calls_list(rows_in(now.calls), layout));
    const Lines ended = rows_in(now.ended).empty() ? Lines() : lines_of(calls_list(now.ended, layout));
    const Lines bindings = lines_of(bindings_list(rows_in(now.bindings), layout));
    const std::size_t room = size.rows > page.size() ? size.rows - page.size() : 0;
    const std::size_t share = room / 4;
    const std::size_t for_bindings = std::min(share, bindings.size() + 1);
    const std::size_t for_ended = ended.empty() ? 0 : std::min(share, ended.size() + 1);
    add_list(page, calls, room - for_bindings - for_ended);
    add_list(page, ended, for_ended);
    add_list(page, bindings, std::max(for_bindings, size.rows > page.size() ? size.rows - page.size() : 0));
    std::string text;
    for (std::size_t i = 0; i < page.size() && i < size.rows; ++i)
        text += (i == 0 ? "" : "\n") + cut(page[i], size.columns);
    return text;
}

}  // namespace sipalg::ctl
