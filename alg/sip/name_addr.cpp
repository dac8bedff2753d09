#include "alg/sip/name_addr.hpp"

#include <algorithm>

#include "alg/sip/text.hpp"

namespace sipalg::sip {

std::size_t skip_to_value(std::string_view rest) {
    std::size_t position = 0;
    while (position < rest.size() && (text::is(rest[position], text::white) || rest[position] == ','))
        ++position;
    return position;
}

namespace {

/// In a list, the search in display names with a ';', a ',' or a stray quote ends after this many bytes.
constexpr std::size_t max_odd_name = 128;

/// The '<' of a value whose display name has stray quotes: the first one whose '>' is not followed by a
/// quote; `limit` if there is none. Only tries a few, so that lists of odd names take linear time.
std::size_t find_odd_bracket(std::string_view s, std::size_t begin, std::size_t limit) {
    std::size_t open = byte_scan::find<'<'>(s, begin, limit);
    const std::size_t first = open;
    for (int tries = 0; tries < 4 && open < limit; ++tries) {
        const std::size_t next = byte_scan::find<'<', '>'>(s, open + 1, s.size());
        if (next == s.size()) return open;
        if (s[next] == '>') {
            const std::size_t after = text::skip(s, next + 1, text::white);
            if (after == s.size() || s[after] == ';' || s[after] == ',') return open;
            open = next >= limit ? limit : byte_scan::find<'<'>(s, next, limit);
        } else {
            open = next;
        }
    }
    return std::min(first, limit);
}

/// The '<' of the URI where the one at `open` may belong to a display name: "Alice <home> <sip:…". Only tries
/// a few.
std::size_t skip_brackets_of_name(std::string_view s, std::size_t open, std::size_t limit) {
    std::size_t bracket = open;
    for (int tries = 0; tries < 4; ++tries) {
        const std::size_t close = byte_scan::find<'<', '>'>(s, bracket + 1);
        if (close == s.size() || s[close] == '<') return bracket;
        const std::string_view inside = text::slice(s, bracket + 1, close);
        if (byte_scan::find<':', '@'>(inside) < inside.size()) return bracket;
        const std::size_t next = byte_scan::find<'<', ';', ','>(s, close);
        if (next >= limit || s[next] != '<') return open;
        bracket = next;
    }
    return open;
}

/// The '<' of the value at `begin`; the size of `s`: the value is an addr-spec. In a list a comma ends a
/// value.
template <bool list>
std::size_t find_bracket(std::string_view s, std::size_t begin) {
    const std::size_t limit = list ? std::min(s.size(), begin + max_odd_name) : s.size();
    std::size_t open;
    if (begin < s.size() && s[begin] == '"') {
        const std::size_t close = text::skip_quoted(s, begin);
        open = close == text::npos ? s.size() : text::skip(s, close, text::white);
        if (open < s.size() && s[open] == '<') return open;
        open = find_odd_bracket(s, begin, limit);
    } else {
        open = list ? byte_scan::find<'<', ';', ','>(s, begin) : byte_scan::find<'<', ';'>(s, begin);
        if (open == s.size()) return open;
        if (s[open] == '<') return skip_brackets_of_name(s, open, limit);
        // A display name without quotes may contain separators too, with a blank after them; a URI before
        // them has a ':' or an '@'.
        if (open + 1 == s.size() || !text::is_white(s[open + 1])) return s.size();
        open = byte_scan::find<'<', ':', '@'>(s, begin, limit);
    }
    return open < limit && s[open] == '<' ? open : s.size();
}

/// The position after the URI of a value: its ';', in a list its ',', or the end.
template <bool list>
std::size_t find_separator(std::string_view s, std::size_t from) {
    return list ? byte_scan::find<';', ','>(s, from) : byte_scan::find<';'>(s, from);
}

/// A fast path for the usual form of a URI in brackets: nothing, a word or a quoted string before it, and a
/// separator or the end directly after it. False: use read_any_place().
template <bool list>
bool read_usual_place(std::string_view s, std::size_t begin, UriPlace& place) {
    std::size_t open = begin;
    if (s[begin] == '"') {
        open = byte_scan::find<'"', '\\'>(s, begin + 1) + 1;
        if (open >= s.size() || s[open - 1] != '"') return false;
        if (s[open] == ' ') ++open;
    } else if (s[begin] != '<') {
        open = list ? byte_scan::find<'<', ';', ','>(s, begin) : byte_scan::find<'<', ';'>(s, begin);
    }
    if (open >= s.size() || s[open] != '<') return false;
    const std::size_t close = byte_scan::find<'<', '>'>(s, open + 1);
    if (close == s.size() || s[close] == '<') return false;
    place.end = close + 1;
    if (place.end < s.size() && s[place.end] != ';' && !(list && s[place.end] == ',')) return false;
    place.uri = text::trim(text::slice(s, open + 1, close));
    return true;
}

/// The URI of the value at `begin`, in any form.
template <bool list>
[[gnu::noinline]] UriPlace read_any_place(std::string_view s, std::size_t begin) {
    std::size_t open = find_bracket<list>(s, begin);
    if (open == s.size()) {
        const std::size_t end = find_separator<list>(s, begin);
        return {text::trim(text::slice(s, begin, end)), end};
    }
    std::size_t close = byte_scan::find<'<', '>'>(s, open + 1);
    while (close < s.size() && s[close] == '<' && text::skip(s, open + 1, text::white) == close) {  // "<<"
        open = close;
        close = byte_scan::find<'<', '>'>(s, open + 1);
    }
    if (close == s.size() || s[close] == '<') {
        // The '<' is never closed, so the parameters count for both the URI and the header.
        const std::size_t end = list ? byte_scan::find<','>(s, open) : s.size();
        return {text::trim(text::slice(s, open + 1, end)), find_separator<list>(s, open)};
    }
    std::size_t end = text::skip(s, close + 1, text::white);
    if (end < s.size() && s[end] != ';' && !(list && s[end] == ',')) end = find_separator<list>(s, end);
    return {text::trim(text::slice(s, open + 1, close)), end};
}

/// The URI of the value at `begin`.
template <bool list>
UriPlace read_uri_place(std::string_view s, std::size_t begin) {
    UriPlace place;
    if (begin < s.size() && read_usual_place<list>(s, begin, place)) return place;
    return read_any_place<list>(s, begin);
}

/// The position after the header parameters of a value in a list. `end`: their ';', if there are any.
std::size_t skip_header_parameters(std::string_view s, std::size_t end) {
    if (end == s.size() || s[end] != ';') return end;
    end = byte_scan::find<',', '"'>(s, end + 1);
    while (end < s.size() && s[end] == '"')
        end = byte_scan::find<',', '"'>(s, text::skip_quoted_or_stray(s, end));
    return end;
}

}  // namespace

UriPlace find_single_uri(std::string_view value) {
    return read_uri_place<false>(value, 0);
}

std::string_view next_uri(std::string_view& rest) {
    while (true) {
        rest.remove_prefix(skip_to_value(rest));
        if (rest.empty()) return {};
        const UriPlace place = read_uri_place<true>(rest, 0);
        rest.remove_prefix(skip_header_parameters(rest, place.end));
        if (!place.uri.empty()) return place.uri;
    }
}

std::optional<NameAddr> next_name_addr(std::string_view& rest) {
    while (true) {
        const std::string_view s = rest.substr(skip_to_value(rest));
        rest = s;
        if (s.empty()) return std::nullopt;
        const UriPlace place = read_uri_place<true>(s, 0);
        const std::size_t end = skip_header_parameters(s, place.end);
        rest.remove_prefix(end);
        if (place.uri.empty()) continue;
        NameAddr result;
        result.text = text::trim(s.substr(0, end));
        result.uri = place.uri;
        if (end > place.end) result.parameters = text::trim(text::slice(s, place.end + 1, end));
        result.star = place.uri == "*" && s.front() == '*';
        return result;
    }
}

}  // namespace sipalg::sip
