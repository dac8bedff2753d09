#include "alg/ctl/table.hpp"

#include <algorithm>

#include "alg/base/escape.hpp"

namespace sipalg::ctl {

Table::Table(std::vector<std::string> heading) {
    rows_.push_back(std::move(heading));
}

void Table::add(std::vector<std::string> cells) {
    cells.resize(rows_.front().size());
    for (std::string& cell : cells)
        cell = cell.empty() ? "-" : escape(cell);
    rows_.push_back(std::move(cells));
}

std::string Table::text() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], width(row[i]));
    std::string text;
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            text += row[i];
            // No blanks after the last column: they could wrap the line.
            if (i + 1 < row.size()) text.append(widths[i] - width(row[i]) + 2, ' ');
        }
        text += '\n';
    }
    return text;
}

}  // namespace sipalg::ctl
