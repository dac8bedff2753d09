// Aligned columns for people.
#pragma once

#include <string>
#include <vector>

namespace sipalg::ctl {

/// Rows under a heading; each column is as wide as its widest cell. Cells are escaped, since they come from
/// the network. An empty cell is shown as "-", so that every row has the same number of words.
/// What `calls`, `pinholes`, `bindings` and `flows` print on a terminal (O1).
class Table {
  public:
    explicit Table(std::vector<std::string> heading);
    /// As many cells as the heading has; missing ones are empty.
    void add(std::vector<std::string> cells);
    bool empty() const { return rows_.size() == 1; }
    std::string text() const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace sipalg::ctl
