// Header lines one after another: shared by messages, streams and the parts of a multipart body.
#pragma once

#include <string_view>

#include "alg/sip/text.hpp"

namespace sipalg::sip {

/// A walk over the header lines of `text` from `begin` on, to the empty line that ends them. Lines end in
/// CRLF or LF; a line that begins with white space continues the one before it (RFC 3261 7.3.1). A line
/// without a colon, or with a name that is no token, is a header of no known name: one broken line does not
/// decide over the others (S9, RFC 4475 3.1.2).
class HeaderLines {
  public:
    enum class Step : std::uint8_t {
        header,      ///< name() and value() hold one; the name of a line without a colon is empty
        end,         ///< the empty line; position() is behind it
        incomplete,  ///< the text ends before the empty line
    };

    HeaderLines(std::string_view text, std::size_t begin) : text_(text), position_(begin) {}

    // Always inlined, so that the walk's state stays in registers.
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
        // As nearly all lines have it: one space in front, CRLF behind. trim() then has nothing left to do.
        const std::size_t value = colon + (text_[colon + 1] == ' ' ? 2 : 1);
        const std::size_t value_end = line_feed - (text_[line_feed - 1] == '\r' ? 1 : 0);
        value_ = text::trim(text::slice(text_, value, value_end));
        return Step::header;
    }

    std::string_view name() const { return name_; }
    /// Without white space at its ends; inner folds are still in it.
    std::string_view value() const { return value_; }
    std::size_t position() const { return position_; }

  private:
    /// The line feed that ends the header line, the lines that continue it included; position_ is left behind
    /// it. The size of the text: there is none.
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

/// Content-Length's digits. nullopt: not a number, or one that no message has.
inline std::optional<std::uint32_t> content_length_value(std::string_view value) {
    return text::number(value, 0x7fffffff);
}

}  // namespace sipalg::sip
