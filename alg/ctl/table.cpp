#include "alg/ctl/table.hpp"

#include <algorithm>

#include "alg/base/escape.hpp"

namespace sipalg::ctl {

namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t fewest_columns = 3, narrowest = 4;  // on a very narrow terminal

template <class Widths>
std::size_t total(const Widths& shown) {
    std::size_t sum = shown.empty() ? 0 : gap * (shown.size() - 1);
    for (const auto& column : shown)
        sum += column.width;
    return sum;
}

}  // namespace

std::string cut(const std::string& text, std::size_t room) {
    if (width(text) <= room) return text;
    const std::size_t kept = room > gap ? room - gap : 0;
    std::size_t points = 0, at = 0;
    for (; at < text.size(); ++at)
        if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80 && points++ == kept) break;
    return text.substr(0, at) + "..";
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
    std::vector<std::string> heading;
    for (const Column& column : columns_)
        heading.push_back(column.heading);
    rows_.push_back(std::move(heading));
}

void Table::add(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    for (std::string& cell : cells)
        cell = cell.empty() ? "-" : escape(cell);
    rows_.push_back(std::move(cells));
}

std::vector<Table::Shown> Table::fit(std::size_t room) const {
    std::vector<Shown> all;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        all.push_back({i, 0});
        for (const auto& row : rows_)
            all[i].width = std::max(all[i].width, width(row[i]));
    }
    for (;;) {
        std::vector<Shown> shown = all;
        while (total(shown) > room) {
            // The column that can lose most loses one.
            const auto excess = [&](const Shown& one) {
                const std::size_t least = columns_[one.column].least;
                return least != 0 && one.width > least ? one.width - least : 0;
            };
            const auto widest =
                std::max_element(shown.begin(), shown.end(),
                                 [&](const Shown& a, const Shown& b) { return excess(a) < excess(b); });
            if (widest == shown.end() || excess(*widest) == 0) break;
            --widest->width;
        }
        if (total(shown) <= room) return shown;
        const auto last = std::find_if(all.rbegin(), all.rend(),
                                       [&](const Shown& one) { return columns_[one.column].optional; });
        if (last != all.rend()) {
            all.erase(std::next(last).base());
        } else if (all.size() > fewest_columns) {
            all.pop_back();
        } else {
            squeeze(shown, room);
            return shown;
        }
    }
}

// A wrapped line would be worse than a cut word.
void Table::squeeze(std::vector<Shown>& shown, std::size_t room) {
    while (total(shown) > room) {
        const auto widest = std::max_element(
            shown.begin(), shown.end(), [](const Shown& a, const Shown& b) { return a.width < b.width; });
        if (widest == shown.end() || widest->width <= narrowest) return;
        --widest->width;
    }
}

std::string Table::text(std::size_t room) const {
    const std::vector<Shown> shown = fit(room);
    std::string text;
    for (const auto& row : rows_) {
        for (const Shown& one : shown) {
            const std::string cell = cut(row[one.column], one.width);
            text += cell;
            // No blanks after the last column: they could wrap the line.
            if (&one != &shown.back()) text.append(one.width - width(cell) + gap, ' ');
        }
        text += '\n';
    }
    return text;
}

}  // namespace sipalg::ctl
