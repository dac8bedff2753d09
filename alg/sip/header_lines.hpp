// Iterates over header lines, for messages, streams and the parts of a multipart body.
#pragma once

#include <string_view>

#include "alg/sip/text.hpp"

namespace sipalg::sip {

/// Iterates over the header lines of `text` from `begin` to the empty line that ends them. Lines end in CRLF
/// or LF; a line that begins with white space continues the one before it (RFC 3261 7.3.1). A line without a
/// colon, or whose name is not a token, counts as an unknown header, so that one broken line does not affect
/// the others (S9, RFC 4475 3.1.2).
class HeaderLines {
  public:
    enum class Step : std::uint8_t {
        header,      ///< name() and value() return one; the name of a line without a colon is empty
        end,         ///< the empty line; position() is after it
        incomplete,  ///< the text ends before the empty line
    };

    HeaderLines(std::string_view text, std::size_t begin) : text_(text), position_(begin) {}

    // Always inlined, so that the state of the iteration stays in registers.
    [[gnu::always_inline]] Step next() {
        const std::size_t begin = position_;
        auto [colon, line_feed] = byte_scan::find_pair<':', '\n'>(text_, begin);
        if (colon == text_.size()) return Step::incomplete;
        if (text_[colon] == '\n') {
            position_ = colon + 1;
            if (colon == begin || (colon == begin + 1 && text_[begin] == '\r')) return Step::end;
            return skip_unnamed(colon);
        }
        if ((line_feed = find_line_end(line_feed)) == text_.size()) return Step::incomplete;
        std::size_t name_end = colon;
        while (name_end > begin && text::is_white(text_[name_end - 1]))
            --name_end;
        name_ = text::slice(text_, begin, name_end);
        // The form of nearly all lines, with one space before the value and CRLF after it, leaves nothing for
        // trim().
        const std::size_t value = colon + (text_[colon + 1] == ' ' ? 2 : 1);
        const std::size_t value_end = line_feed - (text_[line_feed - 1] == '\r' ? 1 : 0);
        value_ = text::trim(text::slice(text_, value, value_end));
        return Step::header;
    }

    std::string_view name() const { return name_; }
    /// The value without white space at its ends; folds inside it are kept.
    std::string_view value() const { return value_; }
    std::size_t position() const { return position_; }

  private:
    /// The line feed that ends the header line with its continuation lines; sets position_ to the next line.
    /// If there is none, the size of the text.
    [[gnu::always_inline]] std::size_t find_line_end(std::size_t line_feed) {
        for (;; line_feed = byte_scan::find<'\n'>(text_, position_)) {
            if (line_feed == text_.size()) return line_feed;
            position_ = line_feed + 1;
            if (position_ == text_.size() || (text_[position_] != ' ' && text_[position_] != '\t'))
                return line_feed;
        }
    }
    [[gnu::noinline]] Step skip_unnamed(std::size_t line_feed) {
        if (find_line_end(line_feed) == text_.size()) return Step::incomplete;
        name_ = value_ = {};
        return Step::header;
    }

    std::string_view text_, name_, value_;
    std::size_t position_;
};

/// The value of Content-Length. nullopt: not a number, or larger than any message.
inline std::optional<std::uint32_t> content_length_value(std::string_view value) {
    return text::number(value, 0x7fffffff);
}

}  // namespace sipalg::sip
