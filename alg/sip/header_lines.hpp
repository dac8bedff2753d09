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

    HeaderLines(std::string_view text, std::size_t begin)
        : text_(text), line_feeds_(text, begin, text.size()), position_(begin) {}

    // Always inlined, so that the state of the iteration stays in registers.
    [[gnu::always_inline]] Step next() {
        const std::size_t begin = position_;
        std::size_t line_feed = line_feeds_.next();
        if (line_feed == text_.size()) return Step::incomplete;
        position_ = line_feed + 1;
        begin_ = begin;
        colon_ = byte_scan::find<':'>(text_, begin, line_feed);
        const bool named = colon_ < line_feed;
        if (!named && (line_feed == begin || (line_feed == begin + 1 && text_[begin] == '\r')))
            return Step::end;
        while (position_ < text_.size() && text::is_blank(text_[position_])) {
            line_feed = line_feeds_.next();
            if (line_feed == text_.size()) return Step::incomplete;
            position_ = line_feed + 1;
        }
        if (!named) begin_ = colon_ = line_feed;
        return Step::header;
    }

    std::string_view name() const {
        std::size_t end = colon_;
        while (end > begin_ && text::is_white(text_[end - 1]))
            --end;
        return text::slice(text_, begin_, end);
    }
    /// The value without white space at its ends; folds inside it are kept.
    std::string_view value() const {
        const std::size_t line_feed = position_ - 1;
        if (colon_ == line_feed) return {};
        // The form of nearly all lines, with one space before the value and CRLF after it, leaves nothing for
        // trim().
        const std::size_t begin = colon_ + (text_[colon_ + 1] == ' ' ? 2 : 1);
        const std::size_t end = line_feed - (text_[line_feed - 1] == '\r' ? 1 : 0);
        return text::trim(text::slice(text_, begin, end));
    }
    std::size_t position() const { return position_; }

  private:
    std::string_view text_;
    byte_scan::Matches<byte_scan::OneOf<'\n'>> line_feeds_;
    std::size_t begin_ = 0, colon_ = 0;  ///< of the line; equal to its line feed if it has no name
    std::size_t position_;               ///< of the next line
};

/// The value of Content-Length. nullopt: not a number, or larger than any message.
inline std::optional<std::uint32_t> content_length_value(std::string_view value) {
    return text::number(value, 0x7fffffff);
}

}  // namespace sipalg::sip
