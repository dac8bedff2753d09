// Aligned columns for people.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace sipalg::ctl {

/// Rows under a heading; each column is as wide as its widest cell. Cells are escaped, since they come from
/// the network. An empty cell is shown as "-", so that every row has the same number of words.
/// `calls`, `pinholes`, `bindings` and `flows` print such a table (O1).
class Table {
  public:
    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

    struct Column {
        /// A heading alone stands for a column that is cut or left out only if nothing else helps.
        Column(const char* text, std::size_t shortest = 0, bool may_go = false)
            : heading(text), least(shortest), optional(may_go) {}
        std::string heading;
        std::size_t least;  ///< cells may be cut to this width; 0: only on a very narrow terminal
        bool optional;      ///< left out if there is no room, the last such column first
    };

    explicit Table(std::vector<Column> columns);
    /// As many cells as there are columns; missing ones are empty.
    void add(std::vector<std::string> cells);
    bool empty() const { return rows_.size() == 1; }
    /// At most `room` wide. Cuts cells and leaves out optional columns; if that is not enough, leaves out all
    /// but the first three columns and cuts any cell, to four characters.
    std::string text(std::size_t room = unlimited) const;

  private:
    struct Shown {
        std::size_t column;
        std::size_t width;
    };
    std::vector<Shown> fit(std::size_t room) const;
    static void squeeze(std::vector<Shown>& shown, std::size_t room);

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// The first code points of valid UTF-8, ".." for the rest if it is longer than `room`.
std::string cut(const std::string& text, std::size_t room);

}  // namespace sipalg::ctl
