// Iterates over header parameters: name [ "=" value ] (RFC 3261 25.1).
#pragma once

#include <string_view>

#include "alg/sip/text.hpp"

namespace sipalg::sip {

/// Iterates over `;`-separated parameters from `begin` on. With `Comma::ends` a comma outside quotes ends it.
class Parameters {
  public:
    enum class Comma : std::uint8_t { ends, separates, ordinary };

    Parameters(std::string_view text, std::size_t begin, Comma comma)
        : text_(text), position_(begin), comma_(comma) {}

    /// False at the end. Empty parameters (";;") are skipped; a quote that is never closed is an ordinary
    /// byte (S9).
    [[gnu::always_inline]] bool next() {
        for (;;) {
            position_ = text::skip(text_, position_, text::white);
            if (position_ >= text_.size()) return false;
            const char c = text_[position_];
            if (c != ';' && !(c == ',' && comma_ == Comma::separates)) break;
            ++position_;
        }
        if (text_[position_] == ',' && comma_ == Comma::ends) return false;

        const std::size_t begin = position_;
        std::size_t end = byte_scan::find<'=', ';', ',', '"'>(text_, begin);
        while (comma_ == Comma::ordinary && end < text_.size() && text_[end] == ',')
            end = byte_scan::find<'=', ';', ',', '"'>(text_, end + 1);
        name_ = text::trim(text::slice(text_, begin, end));
        has_value_ = end < text_.size() && text_[end] == '=';
        if (has_value_) ++end;
        const std::size_t value_begin = end;
        // A value may contain quoted strings in any place; only separators outside them count.
        for (;;) {
            end = byte_scan::find<';', ',', '"'>(text_, end);
            if (end == text_.size() || text_[end] == ';') break;
            if (text_[end] == ',') {
                if (comma_ != Comma::ordinary) break;
                ++end;
                continue;
            }
            end = text::skip_quoted_or_stray(text_, end);
        }
        value_ = has_value_ ? text::trim(text::slice(text_, value_begin, end)) : name_.substr(name_.size());
        position_ = end;
        return true;
    }

    std::string_view name() const { return name_; }
    /// The value with its quotes. Without a value, an empty view after the name.
    std::string_view value() const { return value_; }
    bool has_value() const { return has_value_; }
    /// The position after the last parameter that was read: the end, or a separator.
    std::size_t position() const { return position_; }

  private:
    std::string_view text_, name_, value_;
    std::size_t position_;
    Comma comma_;
    bool has_value_ = false;
};

}  // namespace sipalg::sip
